package command

import (
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowlog-exporter/flowlog-exporter/internal/pipeline"
	"github.com/flowlog-exporter/flowlog-exporter/internal/traffic"
	"github.com/flowlog-exporter/flowlog-exporter/internal/vpc"
	"github.com/flowlog-exporter/flowlog-exporter/internal/web"
)

// committed makes public what is committed. What grows with the subnets is
// copied under the ledger as numbers and becomes text when it is scraped; the
// identities of the subnets become text when they change. The ledger makes one
// call at a time.
type committed struct {
	totals   *traffic.Totals
	accounts *prometheus.Registry
	log      *slog.Logger
	pages    *web.Pages

	book struct {
		*vpc.Book
		registry *prometheus.Registry
		version  vpc.Version  // that the families are of
		families []web.Family // of all that the book tells
	}
}

func newCommitted(totals *traffic.Totals, accounts *pipeline.Accounts, book *vpc.Book, log *slog.Logger) committed {
	c := committed{totals: totals, accounts: prometheus.NewRegistry(), log: log, pages: &web.Pages{}}
	c.accounts.MustRegister(accounts)
	c.book.Book, c.book.registry = book, prometheus.NewRegistry()
	c.book.registry.MustRegister(book)
	return c
}

// stale reports whether the address book has more to tell than what is public:
// an attempt to refresh it that failed changes nothing else.
func (c *committed) stale() bool { return c.book.version != c.book.Version() }

// present freezes what was counted, under the ledger: the totals of exactly the
// bodies whose places it holds. What it returns makes that public.
func (c *committed) present() (publish func()) {
	freeze := c.freeze()
	return func() {
		families, release, err := freeze()
		if err == nil {
			err = c.pages.Publish(families, release)
		}
		if err != nil {
			c.log.Error("metrics can't be rendered: those of the last commit stay", "err", err)
		}
	}
}

// freeze copies what was counted, under the ledger. What it returns gives the
// families of it, until release is called.
func (c *committed) freeze() func() (families []web.Family, release func(), err error) {
	frozen := c.totals.Freeze()
	accounts, failed := c.accounts.Gather()
	return func() ([]web.Family, func(), error) {
		families, err := web.Encode(accounts)
		if err := errors.Join(failed, err, c.tellBook()); err != nil {
			return nil, nil, err
		}
		families = append(families, c.book.families...)
		for family := range frozen.Families() {
			families = append(families, family)
		}
		return families, frozen.Release, nil
	}
}

// tellBook renders what the address book tells, when that has changed. The book
// changes its subnets under the ledger, where no commit is on its way.
func (c *committed) tellBook() error {
	version := c.book.Version()
	if version == c.book.version {
		return nil
	}
	gathered, err := c.book.registry.Gather()
	if err != nil {
		return err
	}
	families, err := web.Encode(gathered)
	if err == nil {
		c.book.version, c.book.families = version, families
	}
	return err
}
