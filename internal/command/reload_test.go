package command

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// post sends a request for a reload and returns the answer.
func post(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Post(url+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// rewrite replaces a file.
func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const denied = "2 123456789012 eni-1235b8ca123456789 10.0.1.9 10.0.0.5 443 22 6 10 840 1431280876 1431280934 REJECT OK"

// TestReload changes by a file what can be changed, without losing a line or a record,
// and says of the rest that it stays.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	rewrite(t, in("old.keys"), "canary-old\n")
	rewrite(t, in("new.keys"), "canary-new\n")
	rewrite(t, in("subnets"), "10.0.0.0/24 vpc_id=vpc-1\n")
	config := func(keys, deny, more string) string {
		return fmt.Sprintf(`
inputs:
  - name: push
    firehose: {listen: "127.0.0.1:0", access_key_file: %s}
subnets: {file: %s%s}
deny_log: {output: "file:%s", rate: 0}
web: {listen_address: "127.0.0.1:0", last_scrape_wait: 0s, enable_lifecycle: true}
`, in(keys), in("subnets"), more, in(deny))
	}
	path := in("flowlog.yml")
	rewrite(t, path, config("old.keys", "old.log", "")+"state: {commit_interval: 1h}\n")
	p := start(t, nil, "--config.file", path)
	push := "http://" + p.await(`msg="Listening on" input=push address=(\S+)`)
	url := p.url()
	until(t, p, url, "flowlog_subnets.*", 1)
	if status := sendDelivery(push, "canary-old", "1", denied); status != 200 {
		t.Fatalf("a delivery is answered %d\n%s", status, p.output)
	}

	rewrite(t, path, config("new.keys", "new.log", ", static: {10.9.0.0/16: on-prem}")+
		"state: {commit_interval: 20ms, path: /nowhere}\nlog: {level: debug}\n")
	if code, text := post(t, url); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	changed := p.await(`msg="configuration reloaded" changed="(.*?)"`)
	if want := "deny_log.output, inputs.push.firehose.access_key_file, log.level, state.commit_interval, subnets.static"; changed != want {
		t.Errorf("changed is %s", changed)
	}
	if stay := p.await(`a restart only and stay as they were" settings=(\S+)`); stay != "state.path" {
		t.Errorf("what stays is %s", stay)
	}
	until(t, p, url, "flowlog_subnets.*", 2)
	if status := sendDelivery(push, "canary-old", "2", denied); status != 401 {
		t.Errorf("the old key is answered %d", status)
	}
	if status := sendDelivery(push, "canary-new", "3", denied, denied); status != 200 {
		t.Errorf("the new key is answered %d", status)
	}
	until(t, p, url, `flowlog_records_total\{source="push"\}`, 3)

	rewrite(t, in("subnets"), "10.0.0.0/24 vpc_id=vpc-1\n10.0.1.0/24 vpc_id=vpc-1\n")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, p, url, "flowlog_subnets.*", 3)
	if status := p.stop(); status != exitOK || strings.Contains(p.output.String(), "canary") {
		t.Errorf("exit status %d:\n%s", status, p.output)
	}
	for name, want := range map[string]int{"old.log": 1, "new.log": 2} {
		text, err := os.ReadFile(in(name))
		if got := strings.Count(string(text), "POLICY_DENIED"); err != nil || got != want {
			t.Errorf("%s has %d lines: %v", name, got, err)
		}
	}
}

// TestFault63BrokenConfiguration: whatever is wrong with the file, what was in use stays
// so, a metric and the log say it, and the next good file is taken.
func TestFault63BrokenConfiguration(t *testing.T) {
	dir := t.TempDir()
	path, subnets := filepath.Join(dir, "flowlog.yml"), filepath.Join(dir, "subnets")
	good := fmt.Sprintf(`
inputs: [{file: {path: testdata/default.log}}]
subnets: {file: %s}
deny_log: {output: "file:%s"}
web: {listen_address: "127.0.0.1:0", last_scrape_wait: 0s}
`, subnets, filepath.Join(dir, "deny.log"))
	rewrite(t, path, good)
	rewrite(t, subnets, "10.0.0.0/24\n")
	p := start(t, []string{"FLOWLOG_WEB_ENABLE_LIFECYCLE=true"}, "--config.file", path)
	url := p.url()
	until(t, p, url, "flowlog_subnets.*", 1)
	until(t, p, url, "flowlog_config_last_reload_successful", 1)
	began := sample(t, url, "flowlog_config_last_reload_success_timestamp_seconds")
	for _, test := range []struct{ name, file, says string }{
		{"no YAML", "inputs: [", "no YAML"},
		{"a slip", good + "log: {lvel: debug}\n", ":6:7: log.lvel is no key; did you mean log.level?"},
		{"a wrong value", strings.Replace(good, "deny_log: {", "deny_log: {format: xml, ", 1), "deny_log.format: "},
		{"a subnet file that is gone", strings.Replace(good, "file: "+subnets, "file: "+dir+"/none", 1), "cannot read the subnets"},
		{"a deny log that can't be opened", strings.Replace(good, "deny.log", "none/deny.log", 1), "no such file or directory"},
		{"a static subnet too", strings.Replace(good, "subnets: {", "subnets: {static: {10.0.0.0/33: x}, ", 1), "is no CIDR"},
	} {
		rewrite(t, path, test.file)
		if code, text := post(t, url); code != 500 || !strings.Contains(text, test.says) {
			t.Errorf("%s: %d %s", test.name, code, text)
		}
		if got := sample(t, url, "flowlog_config_last_reload_successful"); got != 0 {
			t.Errorf("%s: the metric is %v", test.name, got)
		}
	}
	if at := sample(t, url, "flowlog_config_last_reload_success_timestamp_seconds"); at != began {
		t.Errorf("the last success was at %v, now at %v", began, at)
	}
	if got := sample(t, url, "flowlog_subnets.*"); got != 1 {
		t.Errorf("%v subnets are in use", got)
	}
	rewrite(t, path, good+"log: {level: debug}\n")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.await(`configuration reloaded" changed=log.level`)
	until(t, p, url, "flowlog_config_last_reload_successful", 1)
	if status := p.stop(); status != exitOK {
		t.Errorf("exit status %d:\n%s", status, p.output)
	}
}

// TestReloadIsRefused by HTTP unless it is asked for.
func TestReloadIsRefused(t *testing.T) {
	p := start(t, nil, "--file.path", "testdata/default.log", "--subnets.file", "testdata/subnets.txt", "--web.listen-address", "127.0.0.1:0", "--web.last-scrape-wait", "0s")
	if code, text := post(t, p.url()); code != http.StatusForbidden || !strings.Contains(text, "--web.enable-lifecycle") {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := get(t, p.url()+"/-/reload"); code != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d", code)
	}
	p.stop()
}

// TestWhatIsAliveIsTakenOver: an option that a reload changes is in what a reload takes,
// and one that is not stays.
func TestWhatIsAliveIsTakenOver(t *testing.T) {
	values := map[string]string{
		"subnets.file": "x", "subnets.static": "10.0.0.0/8=x", "subnets.refresh": "1h", "state.commit-interval": "1h", "deny-log.output": "stderr",
		"deny-log.format": "legacy", "deny-log.rate": "7", "log.level": "debug", "firehose.access-key-file": "x",
	}
	usual := []string{"--firehose.listen", ":1", "--firehose.access-key-file", "a"}
	started, err := settled(usual...)
	if err != nil {
		t.Fatal(err)
	}
	var alive []string
	for _, o := range started.form.options {
		if !o.live {
			continue
		}
		alive = append(alive, o.name)
		next, err := settled(append(slices.Clone(usual), "--"+o.name, values[o.name])...)
		if err != nil {
			t.Fatal(err)
		}
		if got := started.differences(next, true); len(got) != 1 {
			t.Errorf("--%s changes %q", o.name, got)
		}
		if got := started.differences(next, false); len(got) != 0 {
			t.Errorf("--%s is said to stay: %q", o.name, got)
		}
		merged := started.renewed(next)
		if o.name != "firehose.access-key-file" && fmt.Sprint(merged.live()) == fmt.Sprint(started.live()) {
			t.Errorf("--%s is not taken over", o.name)
		}
	}
	if len(alive) != len(values) {
		t.Errorf("alive are %q", alive)
	}
}

// live are the fields of the settings that a reload changes.
func (s *settings) live() []any {
	return []any{s.subnetsFile, s.subnetsStatic, s.subnetsRefresh, s.commitInterval, s.denyOutput, s.denyFormat, s.denyRate, s.logLevel}
}

// TestInputsOfOneKind: each has its own places and label, and goes on where it was after
// a restart.
func TestInputsOfOneKind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "flowlog.yml")
	rewrite(t, path, fmt.Sprintf(`
inputs:
  - name: one
    file: {path: testdata/default.log}
  - name: two
    file: {path: [testdata/default.log, testdata/custom.log]}
subnets: {file: testdata/subnets.txt}
state: {path: %s, commit_interval: 20ms}
web: {listen_address: "127.0.0.1:0", last_scrape_wait: 0s}
`, filepath.Join(dir, "state")))
	for run := range 2 {
		p := start(t, nil, "--config.file", path)
		url := p.url()
		p.await("(?s)" + strings.Repeat("file was counted before.*", 3*run)) // the second time none counts again
		until(t, p, url, `flowlog_records_total\{source="one"\}`, 12)
		until(t, p, url, `flowlog_records_total\{source="two"\}`, 16)
		p.stop()
	}
}
