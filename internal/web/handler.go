package web

import (
	"html"
	"io"
	"net/http"
	"strings"
)

const (
	healthyPath = "/-/healthy"
	readyPath   = "/-/ready"
	healthPath  = "/health" // what older set-ups ask
	reloadPath  = "/-/reload"
)

func (s *Server) telemetryPath() string { return either(s.TelemetryPath, "/metrics") }

// handler is a mux of its own: the default one belongs to whoever registers there.
func (s *Server) handler() http.Handler {
	if s.Handler != nil {
		return s.Handler
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+exact(s.telemetryPath()), s.scrapes.watch(s.metrics()))
	mux.HandleFunc("GET "+healthyPath, healthy)
	mux.HandleFunc("GET "+healthPath, healthy)
	mux.HandleFunc("GET "+readyPath, s.ready)
	mux.HandleFunc("POST "+reloadPath, s.reload)
	if s.telemetryPath() != "/" {
		mux.Handle("GET "+exact("/"), landing(s.telemetryPath(), s.Version))
	}
	return mux
}

// exact returns the pattern of a path alone: a mux takes "/" for every path.
func exact(path string) string {
	if path == "/" {
		return "/{$}"
	}
	return path
}

func healthy(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "healthy") }

// ready answers 503 with a reason a line until every check passes.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	var reasons []string
	for _, check := range s.Ready {
		if err := check(); err != nil {
			reasons = append(reasons, strings.Join(strings.Fields(err.Error()), " "))
		}
	}
	if len(reasons) > 0 {
		plain(w, http.StatusServiceUnavailable, strings.Join(reasons, "\n"))
		return
	}
	plain(w, http.StatusOK, "ready")
}

// reload answers when the configuration is taken over, or why it is not.
func (s *Server) reload(w http.ResponseWriter, _ *http.Request) {
	if s.Reload == nil {
		plain(w, http.StatusForbidden, "reloading by HTTP is off: start the exporter with --web.enable-lifecycle, or send it SIGHUP")
		return
	}
	if err := s.Reload(); err != nil {
		plain(w, http.StatusInternalServerError, "the configuration is not reloaded, the old one stays in use:\n"+err.Error())
		return
	}
	plain(w, http.StatusOK, "reloaded")
}

func plain(w http.ResponseWriter, status int, text string) {
	header(w, "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // a client that went away has no use for an error
}

// landing is a text of fixed bytes. Its links are relative, so that they work
// behind a proxy that adds a prefix.
func landing(telemetryPath, version string) http.Handler {
	page := `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>flowlog-exporter</title></head>
<body>
<h1>flowlog-exporter</h1>
<p>VPC flow logs as Prometheus metrics. Version ` + html.EscapeString(either(version, "unknown")) + `.</p>
<ul>
<li><a href=".` + html.EscapeString(telemetryPath) + `">Metrics</a></li>
<li><a href=".` + readyPath + `">Ready?</a></li>
<li><a href=".` + healthyPath + `">Healthy?</a></li>
</ul>
</body>
</html>
`
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header(w, "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page)
	})
}

// header sets what every answer of ours has. What the web configuration file
// has set before stays.
func header(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	for name, value := range map[string]string{
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
}
