package kube

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestState: the program's state lies on the volume that the values ask for.
func TestState(t *testing.T) {
	for values, kind := range map[string]string{
		"{}":                                     "claim of its own",
		"state: {persistence: {enabled: false}}": "emptyDir",
		"state: {persistence: {existingClaim: my}}": "claim my",
		"demo: {enabled: true}":                     "nowhere",
	} {
		t.Run(kind, func(t *testing.T) {
			o := decode(t, render(t, parse(t, "kinesis: {stream: a}\n", values)))
			if got := stateVolume(o.statefulSets[0]); got != kind {
				t.Errorf("the state is on %s, want %s", got, kind)
			}
			c := o.container(t)
			for _, mount := range c.VolumeMounts {
				if mount.Name == "state" && !slices.Contains(c.Args, "--state.path="+mount.MountPath) {
					t.Errorf("the state is mounted at %s, the arguments are %q", mount.MountPath, c.Args)
				}
			}
			if told := strings.Contains(strings.Join(c.Args, " "), "--state.path="); told != (kind != "nowhere") {
				t.Errorf("the arguments are %q", c.Args)
			}
		})
	}
}

// stateVolume says what the volume of the state is.
func stateVolume(set *appsv1.StatefulSet) string {
	found := "nowhere"
	for _, claim := range set.Spec.VolumeClaimTemplates {
		if claim.Name == "state" && slices.Equal(claim.Spec.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}) {
			found = "claim of its own"
		}
	}
	for _, v := range set.Spec.Template.Spec.Volumes {
		switch {
		case v.Name != "state":
		case v.EmptyDir != nil:
			found = "emptyDir"
		case v.PersistentVolumeClaim != nil:
			found = "claim " + v.PersistentVolumeClaim.ClaimName
		}
	}
	return found
}

// TestRollout: an exporter that AWS refuses is not ready. It has to be replaced and
// scraped all the same.
func TestRollout(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		if policy := o.statefulSets[0].Spec.PodManagementPolicy; policy != appsv1.ParallelPodManagement {
			t.Errorf("pods are managed by %q: a mended template waits for the readiness of the broken one", policy)
		}
		for _, s := range o.services {
			metrics := s.Labels["app.kubernetes.io/component"] == "metrics"
			if metrics != s.Spec.PublishNotReadyAddresses || metrics != (s.Spec.ClusterIP == corev1.ClusterIPNone) {
				t.Errorf("service %s: not ready ones are named: %v, cluster IP %q", s.Name, s.Spec.PublishNotReadyAddresses, s.Spec.ClusterIP)
			}
		}
	})
}

// TestWhatReplacesPods: the file of the configuration is read at a start only, that of
// the subnets again and again; the version of the chart is no reason.
func TestWhatReplacesPods(t *testing.T) {
	template := func(values string) string {
		o := decode(t, render(t, parse(t, "kinesis: {stream: a}\nsubnets: {file: 10.0.0.0/8}\nconfig: {log: {level: info}}\n", values)))
		return o.statefulSets[0].Spec.Template.String()
	}
	before := template("{}")
	if before == template("config: {log: {level: debug}}") {
		t.Error("another configuration does not replace the pods")
	}
	if before != template("subnets: {file: 10.0.0.0/9}") {
		t.Error("another list of subnets replaces the pods")
	}
	if strings.Contains(before, "helm.sh/chart") {
		t.Error("another version of the chart replaces the pods")
	}
}

// TestBudget: with one replica a budget would only block the drain of its node.
func TestBudget(t *testing.T) {
	for values, want := range map[string]int{
		"{}": 0, "replicaCount: 2": 1, "{replicaCount: 2, podDisruptionBudget: {enabled: false}}": 0,
	} {
		if o := decode(t, render(t, parse(t, "s3: {queueUrl: 'https://a'}\n", values))); len(o.budgets) != want {
			t.Errorf("%s makes %d budgets, want %d", values, len(o.budgets), want)
		}
	}
}
