package kube

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// TestNames holds names, labels and annotations against the rules of Kubernetes.
func TestNames(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		seen := map[string]bool{}
		for i, object := range o.all {
			name := o.kinds[i].Kind + " " + object.GetName()
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
			wrong := validation.IsDNS1123Subdomain(object.GetName())
			for key, value := range object.GetLabels() {
				wrong = slices.Concat(wrong, validation.IsQualifiedName(key), validation.IsValidLabelValue(value))
			}
			for key := range object.GetAnnotations() {
				wrong = slices.Concat(wrong, validation.IsQualifiedName(strings.ToLower(key)))
			}
			for _, w := range wrong {
				t.Errorf("%s: %s", name, w)
			}
		}
	})
}

// TestSelectors: every selector means the pods that read, and never that of helm test.
func TestSelectors(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		set := o.statefulSets[0]
		pods := labels.Set(set.Spec.Template.Labels)
		means := func(who string, selector *metav1.LabelSelector) {
			t.Helper()
			s, err := metav1.LabelSelectorAsSelector(selector)
			if err != nil || s.Empty() || !s.Matches(pods) {
				t.Errorf("%s does not mean the pods: %v %v", who, s, err)
			}
			for _, test := range o.pods {
				if s.Matches(labels.Set(test.Labels)) {
					t.Errorf("%s means the pod of helm test", who)
				}
			}
		}
		means("StatefulSet", set.Spec.Selector)
		for _, s := range o.services {
			means("Service "+s.Name, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})
		}
		for _, p := range o.policies {
			means("NetworkPolicy", &p.Spec.PodSelector)
		}
		for _, b := range o.budgets {
			means("PodDisruptionBudget", b.Spec.Selector)
		}
		for _, m := range o.podMonitors {
			means("PodMonitor", &m.Spec.Selector)
		}
	})
}

// TestMonitors: a ServiceMonitor means the service of the metrics alone, its port is
// there, and the pod's name is the instance, which replicas are told apart by.
func TestMonitors(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		for _, m := range o.serviceMonitors {
			selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
			if err != nil {
				t.Fatal(err)
			}
			meant := slices.DeleteFunc(slices.Clone(o.services), func(s *corev1.Service) bool { return !selector.Matches(labels.Set(s.Labels)) })
			if len(meant) != 1 || len(m.Spec.Endpoints) != 1 || !slices.Contains(portsOf(meant[0]), m.Spec.Endpoints[0].Port) {
				t.Fatalf("%d services are meant, with ports %+v", len(meant), m.Spec.Endpoints)
			}
			if m.Namespace != "" && !slices.Equal(m.Spec.NamespaceSelector.MatchNames, []string{namespace}) {
				t.Errorf("a monitor in %s looks into %v", m.Namespace, m.Spec.NamespaceSelector)
			}
			if first := m.Spec.Endpoints[0].RelabelConfigs[0]; first.TargetLabel != "instance" || first.SourceLabels[0] != "__meta_kubernetes_pod_name" {
				t.Errorf("instance is not the name of the pod: %+v", first)
			}
		}
		for _, m := range o.podMonitors {
			endpoint := m.Spec.PodMetricsEndpoints[0]
			if endpoint.Port == nil || !slices.Contains(ports(o.container(t)), *endpoint.Port) {
				t.Errorf("the pod has no port %v", endpoint.Port)
			}
			if endpoint.RelabelConfigs[0].TargetLabel != "instance" {
				t.Errorf("instance is not the name of the pod: %+v", endpoint.RelabelConfigs)
			}
		}
	})
}

// TestPorts: what is named is there.
func TestPorts(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		container := o.container(t)
		known := ports(container)
		named := func(who string, port intstr.IntOrString) {
			t.Helper()
			if port.Type != intstr.String || !slices.Contains(known, port.StrVal) {
				t.Errorf("%s: the container has no port %v", who, &port)
			}
		}
		for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe} {
			if probe.HTTPGet != nil {
				named("probe", probe.HTTPGet.Port)
			} else {
				named("probe", probe.TCPSocket.Port)
			}
		}
		backends := map[string][]string{}
		for _, s := range o.services {
			backends[s.Name] = portsOf(s)
			for _, p := range s.Spec.Ports {
				named("Service "+s.Name, p.TargetPort)
			}
		}
		for _, p := range o.policies {
			for _, rule := range p.Spec.Ingress {
				named("NetworkPolicy", *rule.Ports[0].Port)
			}
		}
		for _, in := range o.ingresses {
			for _, rule := range in.Spec.Rules {
				to := rule.HTTP.Paths[0].Backend.Service
				if !slices.Contains(backends[to.Name], to.Port.Name) {
					t.Errorf("Ingress: no service %s with port %s", to.Name, to.Port.Name)
				}
			}
		}
		if set := o.statefulSets[0]; backends[set.Spec.ServiceName] == nil {
			t.Errorf("StatefulSet: no service %s", set.Spec.ServiceName)
		}
	})
}

// mostApplied leaves a little of the 256 KiB that annotations may have to the rest of
// an object, for kubectl apply notes all of it in one.
const mostApplied = 250 << 10

// TestVolumes: what is mounted is a volume, every volume is mounted, and what they
// hold is there.
func TestVolumes(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		set := o.statefulSets[0]
		volumes := map[string]bool{}
		for _, v := range set.Spec.Template.Spec.Volumes {
			volumes[v.Name] = true
			if v.Name == "files" && !slices.ContainsFunc(o.configMaps, func(c *corev1.ConfigMap) bool { return c.Name == v.ConfigMap.Name }) {
				t.Errorf("there is no ConfigMap %s", v.ConfigMap.Name)
			}
		}
		for _, claim := range set.Spec.VolumeClaimTemplates {
			volumes[claim.Name] = true
		}
		for _, mount := range o.container(t).VolumeMounts {
			if !volumes[mount.Name] {
				t.Errorf("%s is mounted and no volume, or mounted twice", mount.Name)
			}
			delete(volumes, mount.Name)
		}
		for name := range maps.Keys(volumes) {
			t.Errorf("volume %s is not mounted", name)
		}
		for _, c := range o.configMaps {
			for file, text := range c.Data {
				if size := len(strconv.Quote(text)); size > mostApplied {
					t.Errorf("%s/%s has %d bytes, more than kubectl apply can note in an annotation", c.Name, file, size)
				}
			}
		}
	})
}

// TestAccount: the service account is made here, or is the namespace's own.
func TestAccount(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		name := o.statefulSets[0].Spec.Template.Spec.ServiceAccountName
		made := slices.ContainsFunc(o.serviceAccounts, func(a *corev1.ServiceAccount) bool { return a.Name == name })
		if !made && name != "default" {
			t.Errorf("nobody makes the service account %q", name)
		}
	})
}

func ports(c *corev1.Container) (names []string) {
	for _, p := range c.Ports {
		names = append(names, p.Name)
	}
	return names
}

func portsOf(s *corev1.Service) (names []string) {
	for _, p := range s.Spec.Ports {
		names = append(names, p.Name)
	}
	return names
}
