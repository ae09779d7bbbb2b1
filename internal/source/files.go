package source

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/flowlog-exporter/flowlog-exporter/internal/flow"
)

// Files reads flow logs from files, each once and from its beginning. Content
// decides what a file is: text with or without a header line, or CloudWatch
// Logs documents, plain, gzip or zstd. All files below a folder are read, but
// those that are hidden.
type Files struct {
	// Name is the value of the source label.
	Name string
	// Paths are files, folders and globs; "-" is standard input.
	Paths []string
	// Handler takes each file as one stream; several at the same time with Parallel.
	Handler Handler
	// Parallel is how many files are read at the same time; 0 is one.
	Parallel int
	// Places tells which files were read before; nil remembers none.
	Places Places
	// Logger is told of files that are passed over; nil is slog.Default.
	Logger *slog.Logger
	// Progress, when set, is told after each read how far all files together
	// are: bytes done of total. Total leaves out what has no size, as pipes. It
	// is called by all who read at the same time.
	Progress func(done, total int64)
	// Metrics are kept up to date; nil keeps none.
	Metrics *Metrics
}

// Run begins the files in the order given, globs and folders sorted by name. A
// file that can't be read does not stop the others; the error names each of them.
// When ctx ends, the files in hand are left where they are, uncounted, and Run
// returns nil. A glob without a match is an error, a folder without files too.
func (f *Files) Run(ctx context.Context) error {
	paths, err := expand(f.Paths)
	if err != nil {
		return err
	}
	run := filesRun{Files: f, meter: f.Metrics.meter(f.Name)}
	run.up.Set(1)
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			run.total += info.Size()
		}
	}
	var failed failures
	var readers sync.WaitGroup
	free := make(chan struct{}, max(1, f.Parallel))
	for _, path := range paths {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		readers.Go(func() {
			defer func() { <-free }()
			if err := run.file(ctx, path); ctx.Err() == nil {
				run.note(err)
				failed.add(err)
			}
		})
	}
	readers.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return failed.err()
}

// Check returns the error of paths that mean no file, before anything is read.
func (f *Files) Check() error {
	_, err := expand(f.Paths)
	return err
}

// filesRun is one run over all files.
type filesRun struct {
	*Files
	*meter
	done  atomic.Int64
	total int64
}

func (r *filesRun) file(ctx context.Context, path string) error {
	r.log().Debug("reading file", "path", path)
	file, err := open(ctx, path)
	if err != nil {
		return err
	}
	defer file.Close()
	place, size, err := r.identify(path)
	if err != nil || r.readBefore(path, place) {
		return err
	}
	stream := io.Reader(&fileReader{ctx: ctx, file: io.LimitReader(file, size), run: r})
	if at, ok := file.(io.ReaderAt); ok {
		stream = &fileObject{stream.(*fileReader), io.NewSectionReader(at, 0, size)}
	}
	return r.Handler.Handle(ctx, flow.Body{Source: r.Name, Place: place, Stream: stream})
}

// open opens what never waits directly, and anything else so that its reads end
// with ctx.
func open(ctx context.Context, path string) (io.ReadCloser, error) {
	if path == "-" {
		return newPatient(ctx, func() (*os.File, error) { return os.Stdin, nil }), nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return newPatient(ctx, func() (*os.File, error) { return os.Open(path) }), nil
	}
	return os.Open(path)
}

// note tells the metrics how a file went.
func (r *filesRun) note(err error) {
	if err != nil {
		r.up.Set(0)
		return
	}
	r.messages.Inc()
	r.success.SetToCurrentTime()
}

// fileReader counts what is read and ends when its context does.
type fileReader struct {
	ctx  context.Context
	file io.Reader
	run  *filesRun
	read int64 // bytes
}

// Read implements io.Reader.
func (r *fileReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.file.Read(p)
	r.count(n)
	return n, err
}

func (r *fileReader) count(n int) {
	r.read += int64(n)
	done := r.run.done.Add(int64(n))
	r.run.bytes.Add(float64(n))
	if r.run.Progress != nil {
		r.run.Progress(done, r.run.total)
	}
}

// fileObject is a regular file, which may be read from anywhere.
type fileObject struct {
	*fileReader
	at *io.SectionReader
}

// ReadAt implements io.ReaderAt. What is read again counts once: of the file no
// more is done than it has.
func (o *fileObject) ReadAt(p []byte, off int64) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := o.at.ReadAt(p, off)
	o.count(int(min(int64(n), max(o.Size()-o.read, 0))))
	return n, err
}

// Size implements flow.Object.
func (o *fileObject) Size() int64 { return o.at.Size() }
