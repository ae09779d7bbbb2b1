package command

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/flowlog-exporter/flowlog-exporter/internal/cloud"
	"github.com/flowlog-exporter/flowlog-exporter/internal/doctor"
	"github.com/flowlog-exporter/flowlog-exporter/internal/permit"
	"github.com/flowlog-exporter/flowlog-exporter/internal/source"
)

// feed is one input as settings have it.
type feed struct {
	// name is its source label, and what its places are remembered by.
	name string
	// kind is the section of the file and the beginning of the flags.
	kind string
	intake
	// form is where its values come from.
	form *form
	// at is where the file has it; of flags there is no file.
	at origin
}

// intake is what settings say of an input of one kind.
type intake interface {
	// options are its flags; in the file they stand in the section of the kind.
	options() []option
	// wanted reports whether there is something to read.
	wanted() bool
	// settle checks the settings, as far as that needs no look outside.
	settle() error
	// cloud returns what of AWS the input needs, beyond what is said for all of
	// them; false is nothing.
	cloud(general cloud.Options) (cloud.Options, bool)
	// needs adds what the input asks of AWS in a region, "" for one that is not known.
	needs(region string, all *permit.Needs)
	// links are what doctor asks of the input, which has the given name where there
	// are several, and of its region.
	links(name string, region *doctor.AWS) []doctor.Check
	// open returns the input, ready to run.
	open(o opening) (*working, error)
}

// own are the options of the input, in their new spelling.
func (r *feed) own() (own []option) {
	for _, o := range r.form.options {
		if spellings[o.name] == "" && strings.HasPrefix(o.place(), r.kind+".") {
			own = append(own, o)
		}
	}
	return own
}

// opening is what an input is made with.
type opening struct {
	name    string
	aws     aws.Config
	engine  *engine
	metrics *source.Metrics
}

// input is a source at work.
type input interface {
	Run(ctx context.Context) error
}

// working is an input that is ready to run.
type working struct {
	input
	name string
	// ready says why it does not read yet; nil is always ready.
	ready func() error
	// renew prepares what a reload changes, and returns what takes it over; nil is
	// nothing.
	renew func(intake) (use func(), err error)
	// close lets go of what was opened; nil is nothing.
	close func()
}

// settleInputs checks each input, and that none is told of in vain or read twice.
func (s *settings) settleInputs() error {
	var wrong []error
	read := map[string]string{} // who reads the stream
	for _, r := range s.inputs {
		wrong = append(wrong, r.form.locate(r.settle(), r.at))
		stream := ""
		if k, ok := r.intake.(*kinesisSettings); ok {
			stream = k.stream
		}
		if other := read[stream]; stream != "" && other != "" {
			wrong = append(wrong, r.form.locate(wrongf("kinesis.stream", " %.200q is read by the inputs %s and %s: it would count twice", stream, other, r.name), r.at))
		}
		read[stream] = r.name
		if !r.wanted() {
			wrong = append(wrong, r.form.locate(wrongf(firstOf(r), " is missing: it says what is read"), r.at))
		}
	}
	for _, r := range s.flagged() {
		if !slices.ContainsFunc(s.inputs, func(other feed) bool { return other.form == s.form && other.kind == r.kind }) {
			wrong = append(wrong, r.settle(), s.inVain(r))
		}
	}
	return errors.Join(wrong...)
}

// firstOf is the option without which there is nothing to read.
func firstOf(r feed) string { return r.own()[0].name }

// inVain is the error of a flag that describes an input which is not there, where the
// file has inputs of other names. Without a file such flags have always been borne.
func (s *settings) inVain(r feed) error {
	if s.configFile == "" || s.broken {
		return nil
	}
	for _, o := range r.own() {
		if from, given := s.form.origins[o.name]; given && from.file == "" {
			return wrongf(o.name, " describes the input of the name %s, which there is none of: give it in %s, or name that input so", r.kind, s.configFile)
		}
	}
	return nil
}

// sources are the names of the inputs.
func (s *settings) sources() (names []string) {
	for _, r := range s.inputs {
		names = append(names, r.name)
	}
	return names
}

// openInputs returns the inputs, ready to run. On an error nothing is left open.
func (s *settings) openInputs(o *outside, e *engine, metrics *source.Metrics) (all []*working, err error) {
	for _, r := range s.inputs {
		w, err := r.open(opening{r.name, o.aws[r.name], e, metrics})
		if err != nil {
			closeInputs(all)
			return nil, err
		}
		w.name = r.name
		all = append(all, w)
	}
	return all, nil
}

func closeInputs(all []*working) {
	for _, w := range all {
		if w.close != nil {
			w.close()
		}
	}
}
