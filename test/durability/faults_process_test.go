//go:build durability

package durability

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFault04TerminateUnderLoad: SIGTERM under load ends within ten seconds and
// with a commit; the next start goes on without a gap and without a reset.
func TestFault04TerminateUnderLoad(t *testing.T) {
	w := newWorld(t, 4, 4)
	w.born()
	stop := w.traffic(100)
	p := w.start("--state.commit-interval", "1h") // what is committed, the end commits
	unwatch := w.watch(p, p.url())
	p.until(func() error {
		if w.endpoint.calls.Load() < 30 {
			return errNotYet
		}
		return nil
	})
	took := p.stop()
	unwatch()
	stop()
	w.endpoint.down.Store(true) // the next life shows what the last has left, and no more
	p = w.start()
	url := p.url()
	var first page
	p.until(func() error {
		if first = w.log.scrape(p, url); first.sum("flowlog_records_total") == 0 {
			return errNotYet
		}
		return nil
	})
	if err := w.beyond(first); err != nil {
		t.Error(err)
	}
	w.endpoint.down.Store(false)
	compared := w.settled(p, url)
	p.stop()
	w.log.increases(w.truth())
	t.Logf("SIGTERM under load: ended in %v with %v records committed, %d series equal to the truth after the next start",
		took.Round(time.Millisecond), first.sum("flowlog_records_total"), compared)
}

// TestFault04RestartsUnderLoad: over several stops and starts under load, which
// scrapes go on through, Prometheus' own engine sees what was put, as if there had
// been one life.
func TestFault04RestartsUnderLoad(t *testing.T) {
	const lives = 5
	w := newWorld(t, 4, 4)
	w.born()
	stop := w.traffic(100)
	var longest time.Duration
	var handed [lives]float64 // records that each life had committed at its end
	for life := range lives {
		w.put(60_000) // so that it is not at the tip
		p := w.start("--state.commit-interval", "1s")
		url := p.url()
		unwatch := w.watch(p, url)
		calls, before := w.endpoint.calls.Load(), w.log.latest()[recordsSeries]
		p.until(func() error {
			if w.endpoint.calls.Load() < calls+20 || w.log.latest()[recordsSeries] == before {
				return errNotYet
			}
			return nil
		})
		longest = max(longest, p.stop())
		unwatch()
		handed[life] = w.log.latest()[recordsSeries]
	}
	stop()
	p := w.start()
	compared := w.settled(p, p.url())
	p.stop()
	asked, series := w.log.increases(w.truth()), w.log.unbroken()
	t.Logf("%d stops under load: the longest took %v, records at the last scrape of each life %.0f of %.0f; %d series equal to the truth, %d by increase(), no reset in %d; %d scrapes",
		lives, longest.Round(time.Millisecond), handed, w.truth()[recordsSeries], compared, asked, series, w.log.scrapes)
}

// TestFault05Pause stops the process as a suspended machine is stopped, for so
// long, by the clock of Kinesis, that every iterator expires.
func TestFault05Pause(t *testing.T) {
	w := newWorld(t, 5, 4)
	w.born()
	stop := w.traffic(10)
	p := w.start()
	url := p.url()
	unwatch := w.watch(p, url)
	for range 3 {
		before := w.log.latest()[recordsSeries]
		p.until(func() error {
			if w.log.latest()[recordsSeries] == before {
				return errNotYet
			}
			return nil
		})
		p.signal(syscall.SIGSTOP)
		w.clock.forward(6 * time.Minute)
		time.Sleep(time.Second)
		p.signal(syscall.SIGCONT)
	}
	stop()
	compared := w.settled(p, url)
	unwatch()
	p.stop()
	w.log.increases(w.truth())
	t.Logf("SIGSTOP: 3 pauses, %d series equal to the truth", compared)
}

// TestFault06DamagedState: with the newest state damaged the one before it is
// used, loudly, and every series begins anew at 0: what had been scraped was
// more, and a counter must not fall by a little.
func TestFault06DamagedState(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"zero length", func([]byte) []byte { return nil }},
		{"truncated", func(b []byte) []byte { return b[:len(b)*2/3] }},
		{"bit flip", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 6, 2)
			w.born()
			for range 2 {
				w.put(3000)
				p := w.start()
				w.settled(p, p.url())
				p.stop()
			}
			previous, old := w.previous(), w.log.created[recordsSeries]
			edit(t, filepath.Join(w.state, "state"), c.damage)
			w.log.forget()
			w.put(500)
			want := w.truth()
			for series := range want {
				want[series] -= previous[series]
			}
			p := w.start()
			url := p.url()
			p.await(`level=(?:ERROR|error).*state`)
			p.until(func() error { return compare(want, w.log.scrape(p, url)) })
			for series, at := range w.log.created {
				if name, _, _ := cutName(series); inLedger(name) && at <= old {
					t.Errorf("%s still says it began at %f", series, at)
				}
			}
			p.stop()
			p = w.start() // and the state is whole again
			p.until(func() error { return compare(want, w.log.scrape(p, p.url())) })
			p.stop()
			w.log.increases(want)
		})
	}
}

// previous returns what the generation before the newest has counted: a world
// like this one, where it is the newest, tells.
func (w *world) previous() map[string]float64 {
	w.t.Helper()
	here := w.state
	defer func() { w.state = here; w.endpoint.down.Store(false) }()
	w.state = filepath.Join(w.t.TempDir(), "state")
	data, err := os.ReadFile(filepath.Join(here, "state.1"))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.MkdirAll(w.state, 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.state, "state"), data, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.endpoint.down.Store(true)
	p := w.start()
	url := p.url()
	var got page
	p.until(func() (err error) {
		if got, _, err = fetch(p.client, url); err == nil && len(got.values) == 0 {
			err = errNotYet
		}
		return err
	})
	p.kill()
	return got.values
}

func edit(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, change(data), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFault08NewerState: a state of a newer version is refused by its name, and
// is left as it is.
func TestFault08NewerState(t *testing.T) {
	w := newWorld(t, 8, 1)
	w.put(1000)
	p := w.start()
	w.settled(p, p.url())
	p.stop()
	file := filepath.Join(w.state, "state")
	var newer []byte
	edit(t, file, func(b []byte) []byte {
		// The header is the same in all versions: magic, version at 8,
		// CRC-32C of the rest at 26.
		binary.BigEndian.PutUint16(b[8:], 4711)
		table := crc32.MakeTable(crc32.Castagnoli)
		binary.BigEndian.PutUint32(b[26:], crc32.Update(crc32.Checksum(b[:26], table), table, b[30:]))
		newer = b
		return b
	})
	p = w.start()
	if status := p.exit(); status == 0 || !strings.Contains(p.output.String(), "4711") || !strings.Contains(p.output.String(), w.state) {
		t.Errorf("exit status %d: %s", status, p.output)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, newer) {
		t.Errorf("the state was touched: %v", err)
	}
}

// TestFault09DiskFull: while nothing can be written the last commit is served,
// and when it can again, all is counted.
func TestFault09DiskFull(t *testing.T) {
	w := newWorld(t, 9, 2)
	cmd := w.command()
	// The state lies on a small file system that only this process has.
	cmd.Args = append([]string{"sh", "-c", `mount -t tmpfs -o size=128k tmpfs "$0" && exec "$@"`, w.state}, cmd.Args...)
	cmd.Path = "/bin/sh"
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	p := launch(t, w.confined(cmd))
	end := w.overload(p, p.url(), "a full disk")
	ballast := filepath.Join("/proc", itoa(cmd.Process.Pid), "root", w.state, "ballast")
	w.cannotBeWritten(p, func() {
		file, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for err == nil {
			_, err = file.Write(make([]byte, 512))
		}
		if !strings.Contains(err.Error(), "no space left") {
			t.Fatal(err)
		}
	}, func() error { return os.Remove(ballast) })
	end()
	p.stop()
}

// TestFault09DirectoryGone is the same with a directory that is away for a while.
func TestFault09DirectoryGone(t *testing.T) {
	w := newWorld(t, 9, 2)
	p := w.start()
	w.cannotBeWritten(p, func() {
		if err := os.Rename(w.state, w.state+".away"); err != nil {
			t.Fatal(err)
		}
	}, func() error { return os.Rename(w.state+".away", w.state) })
	p.kill()
	p = w.start()
	w.settled(p, p.url())
	p.stop()
	w.log.increases(w.truth())
}

// cannotBeWritten is the story of a fault of the disk that begins and ends.
func (w *world) cannotBeWritten(p *process, begin func(), end func() error) {
	w.t.Helper()
	url := p.url()
	p.until(func() error { return compare(w.truth(), w.log.scrape(p, url)) })
	w.put(2000)
	compared := w.settled(p, url)
	before := w.log.latest()
	begin()
	w.put(2000)
	p.await(`state can't be written`)
	calls := w.endpoint.calls.Load()
	for w.endpoint.calls.Load() < calls+6 { // it goes on reading, and serving
		got := w.log.scrape(p, url)
		if err := compare(map[string]float64{recordsSeries: before[recordsSeries]}, got); err != nil {
			w.t.Fatalf("while nothing was committed: %v", err)
		}
	}
	if err := end(); err != nil {
		w.t.Fatal(err)
	}
	p.await(`state is written again`)
	w.settled(p, url)
	w.t.Logf("disk: the last commit was served while nothing could be written, then %d series were equal to the truth", compared)
}

// TestFault11TwoProcesses: the second process on one state ends at once and says
// what to do; the first does not notice.
func TestFault11TwoProcesses(t *testing.T) {
	w := newWorld(t, 11, 2)
	p := w.start()
	url := p.url()
	w.put(1000)
	second := w.start()
	began := time.Now()
	if status := second.exit(); status == 0 || !strings.Contains(second.output.String(), w.state) || !strings.Contains(second.output.String(), "--state.path") {
		t.Errorf("exit status %d: %s", status, second.output)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	w.settled(p, url)
	p.kill()
	p = w.start() // the lock of a killed process is no lock
	w.settled(p, p.url())
	p.stop()
}
