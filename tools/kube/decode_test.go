package kube

import (
	"errors"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// objects are what a set of values makes of the chart, as Kubernetes reads it.
type objects struct {
	all             []metav1.Object
	kinds           []metav1.TypeMeta // those of all
	statefulSets    []*appsv1.StatefulSet
	services        []*corev1.Service
	serviceAccounts []*corev1.ServiceAccount
	configMaps      []*corev1.ConfigMap
	pods            []*corev1.Pod
	ingresses       []*networkingv1.Ingress
	policies        []*networkingv1.NetworkPolicy
	budgets         []*policyv1.PodDisruptionBudget
	serviceMonitors []*monitoringv1.ServiceMonitor
	podMonitors     []*monitoringv1.PodMonitor
	rules           []*monitoringv1.PrometheusRule
}

// decode reads every document strictly: a field that its type has not, or one that
// is there twice, fails the test, as does a kind that is not known here.
func decode(t *testing.T, documents []document) *objects {
	t.Helper()
	var o objects
	for _, d := range documents {
		if d.template == "NOTES.txt" {
			continue
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(d.text), &kind); err != nil {
			t.Fatalf("%s: %v", d.template, err)
		}
		object := o.add(kind)
		if object == nil {
			t.Fatalf("%s: %s of %s is no kind that is known here", d.template, kind.Kind, kind.APIVersion)
		}
		if err := strictly(d.text, object); err != nil {
			t.Fatalf("%s: %v\n%s", d.template, err, d.text)
		}
		o.all, o.kinds = append(o.all, object), append(o.kinds, kind)
	}
	return &o
}

// strictly decodes as the API server does with strict validation: unlike
// yaml.UnmarshalStrict it tells clusterIp from clusterIP.
func strictly(text string, object any) error {
	asJSON, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(asJSON, object)
	return errors.Join(append(strict, err)...)
}

// add makes room for an object of a kind; nil is none that is known.
func (o *objects) add(kind metav1.TypeMeta) metav1.Object {
	switch kind.APIVersion + "/" + kind.Kind {
	case "apps/v1/StatefulSet":
		return grow(&o.statefulSets)
	case "v1/Service":
		return grow(&o.services)
	case "v1/ServiceAccount":
		return grow(&o.serviceAccounts)
	case "v1/ConfigMap":
		return grow(&o.configMaps)
	case "v1/Pod":
		return grow(&o.pods)
	case "networking.k8s.io/v1/Ingress":
		return grow(&o.ingresses)
	case "networking.k8s.io/v1/NetworkPolicy":
		return grow(&o.policies)
	case "policy/v1/PodDisruptionBudget":
		return grow(&o.budgets)
	case "monitoring.coreos.com/v1/ServiceMonitor":
		return grow(&o.serviceMonitors)
	case "monitoring.coreos.com/v1/PodMonitor":
		return grow(&o.podMonitors)
	case "monitoring.coreos.com/v1/PrometheusRule":
		return grow(&o.rules)
	}
	return nil
}

func grow[T any](list *[]*T) *T {
	*list = append(*list, new(T))
	return (*list)[len(*list)-1]
}

// container returns the one container of the pods that read.
func (o *objects) container(t *testing.T) *corev1.Container {
	t.Helper()
	if len(o.statefulSets) != 1 || len(o.statefulSets[0].Spec.Template.Spec.Containers) != 1 {
		t.Fatal("want one StatefulSet of one container")
	}
	return &o.statefulSets[0].Spec.Template.Spec.Containers[0]
}

// TestScenariosCoverEveryKind fails when a kind of object is rendered by no
// scenario, so that nothing would look at it.
func TestScenariosCoverEveryKind(t *testing.T) {
	seen := map[string]bool{}
	for _, values := range scenarios(t) {
		for _, kind := range decode(t, render(t, values)).kinds {
			seen[kind.Kind] = true
		}
	}
	for _, kind := range []string{
		"StatefulSet", "Service", "ServiceAccount", "ConfigMap", "Pod", "Ingress", "NetworkPolicy", "PodDisruptionBudget",
		"ServiceMonitor", "PodMonitor", "PrometheusRule",
	} {
		if !seen[kind] {
			t.Errorf("no scenario renders a %s", kind)
		}
	}
}

// TestDecodingIsStrict: the guard of all the others is none if it lets this pass.
func TestDecodingIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"field that is not known": "spec: {clusterIP: None, targetPorrt: 1}",
		"field in other letters":  "spec: {clusterIp: None}",
		"field that is twice":     "spec: {clusterIP: None, clusterIP: None}",
		"wrong type":              "spec: {ports: 8080}",
	} {
		t.Run(name, func(t *testing.T) {
			var o objects
			if err := strictly(text, o.add(metav1.TypeMeta{APIVersion: "v1", Kind: "Service"})); err == nil {
				t.Error("no error")
			}
		})
	}
}
