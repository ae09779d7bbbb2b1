package kube

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// TestPodSecurity: Kubernetes' own admission takes all pods at its strictest level.
func TestPodSecurity(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		template := &o.statefulSets[0].Spec.Template
		for _, wrong := range restricted(t, &template.ObjectMeta, &template.Spec) {
			t.Errorf("the pods: %s", wrong)
		}
		for _, test := range o.pods {
			for _, wrong := range restricted(t, &test.ObjectMeta, &test.Spec) {
				t.Errorf("the pod of helm test: %s", wrong)
			}
		}
	})
}

// restricted returns what the level restricted says against a pod, and what a review
// asks for beyond it.
func restricted(t *testing.T, about *metav1.ObjectMeta, spec *corev1.PodSpec) (wrong []string) {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, about, spec) {
		if !result.Allowed {
			wrong = append(wrong, result.ForbiddenReason+": "+result.ForbiddenDetail)
		}
	}
	say := func(ok bool, sentence string) {
		if !ok {
			wrong = append(wrong, sentence)
		}
	}
	say(isFalse(spec.AutomountServiceAccountToken), "a token of the cluster's API is mounted")
	say(isFalse(spec.EnableServiceLinks), "services of the namespace are in the environment")
	say(spec.SecurityContext.RunAsUser != nil && *spec.SecurityContext.RunAsUser == 65534, "the user is not nobody")
	for _, c := range spec.Containers {
		say(c.SecurityContext.ReadOnlyRootFilesystem != nil && *c.SecurityContext.ReadOnlyRootFilesystem, "the root can be written to")
		say(!c.Resources.Limits.Memory().IsZero(), "memory has no limit")
		say(!c.Resources.Requests.Memory().IsZero() && !c.Resources.Requests.Cpu().IsZero(), "nothing is requested")
	}
	return wrong
}

func isFalse(b *bool) bool { return b != nil && !*b }

// TestPodSecuritySeesWeakness: the guard above fails when a value weakens the pods.
func TestPodSecuritySeesWeakness(t *testing.T) {
	for weak, want := range map[string]string{
		"securityContext: {allowPrivilegeEscalation: true}":    "allowPrivilegeEscalation",
		"securityContext: {readOnlyRootFilesystem: false}":     "the root can be written to",
		"securityContext: {capabilities: {drop: []}}":          "unrestricted capabilities",
		"podSecurityContext: {runAsNonRoot: false}":            "runAsNonRoot",
		"podSecurityContext: {seccompProfile: null}":           "seccompProfile",
		"extraVolumes: [{name: host, hostPath: {path: /etc}}]": "hostPath",
	} {
		t.Run(weak, func(t *testing.T) {
			template := &decode(t, render(t, parse(t, "kinesis: {stream: a}\n", weak))).statefulSets[0].Spec.Template
			if wrong := strings.Join(restricted(t, &template.ObjectMeta, &template.Spec), "\n"); !strings.Contains(wrong, want) {
				t.Errorf("nothing is said of %s: %q", want, wrong)
			}
		})
	}
}

// TestAccess: keys come out of secrets only, and a role by an annotation of EKS.
func TestAccess(t *testing.T) {
	eachScenario(t, func(t *testing.T, o *objects) {
		for _, variable := range o.container(t).Env {
			if strings.HasPrefix(variable.Name, "AWS_") && (variable.ValueFrom == nil || variable.ValueFrom.SecretKeyRef == nil) {
				t.Errorf("%s does not come out of a secret", variable.Name)
			}
		}
	})
	accounts := decode(t, render(t, scenarios(t)["kinesis"])).serviceAccounts
	if got := accounts[0].Annotations["eks.amazonaws.com/role-arn"]; got != "arn:aws:iam::123456789012:role/flowlog-exporter" {
		t.Errorf("the role is %q", got)
	}
}
