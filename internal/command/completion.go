package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// shells print the completions of a shell.
var shells = map[string]func(io.Writer){"bash": completeBash, "zsh": completeZsh, "fish": completeFish}

// shellNames are the shells in the order of help.
var shellNames = []string{"bash", "zsh", "fish"}

func settleShell(_ *settings, rest []string) error {
	if len(rest) != 1 || shells[rest[0]] == nil {
		return usagef("completion is printed for one of %s", strings.Join(shellNames, ", "))
	}
	return nil
}

// complete prints the completions of the shell that was named.
func complete(_ context.Context, p *program, _ *settings, rest []string) error {
	shells[rest[0]](p.stdout)
	return nil
}

// words are what may follow a command beside flags: words, files or nothing.
func (c command) words() (words []string, files bool) {
	switch c.name {
	case "help":
		return append(slices.DeleteFunc(commandNames(), func(name string) bool { return name == "help" }), topics()...), false
	case "completion":
		return shellNames, false
	case "check", "replay", "iam":
		return nil, true
	}
	return nil, false
}

// isFile reports whether the option's value is a path.
func (o option) isFile() bool {
	argument := o.describe().argument
	return argument == "file" || argument == "directory"
}

// completeBash prints a script that needs nothing but bash itself.
func completeBash(w io.Writer) {
	fmt.Fprint(w, bashHead)
	forAll(func(c command, o option) {
		if o.describe().argument == "" {
			return
		}
		fmt.Fprintf(w, "    '%s -%s') values='%s'", c.name, o.name, strings.Join(o.words, " "))
		if o.isFile() {
			fmt.Fprint(w, " files=1")
		}
		fmt.Fprintln(w, " ;;")
	})
	fmt.Fprint(w, "    *) before='' value=$cur\n      case $command in\n")
	for _, c := range commands {
		words, files := c.words()
		for _, o := range c.all(&settings{}) {
			words = append(words, o.dashed())
		}
		fmt.Fprintf(w, "        %s) values='%s'", c.name, strings.Join(words, " "))
		if files {
			fmt.Fprint(w, " files=1")
		}
		fmt.Fprintln(w, " ;;")
	}
	fmt.Fprintf(w, bashTail, strings.Join(commandNames(), " "))
}

// bashHead looks at the line itself, for bash takes its words apart at = and :. What
// is left is to know what may stand behind the flag, or beside all flags.
const bashHead = `# bash completion of flowlog-exporter: source it, or put it into
# /usr/share/bash-completion/completions/flowlog-exporter
_flowlog_exporter() {
  local line=${COMP_LINE:0:COMP_POINT} IFS=$' \t\n'
  local command=run cur before value values='' files='' part
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  cur=${words[${#words[@]}-1]}
  if ((${#words[@]} > 2)) && [[ ${words[1]} != -* ]]; then command=${words[1]}; fi
  if [[ $cur == -*=* ]]; then
    before=${cur%%=*} value=${cur#*=}
  else
    before=${words[${#words[@]}-2]} value=$cur
  fi
  case "$command ${before/#--/-}" in
`

const bashTail = `      esac
      ((${#words[@]} == 2)) && values="%s $values"
      ;;
  esac
  [[ $value == -* ]] && files=
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$value"; [[ -n $files ]] && compgen -f -- "$value")
  [[ -n $files ]] && compopt -o filenames 2>/dev/null
  # What bash replaces is the part behind the last = or : of the word.
  part=${value%%"${value##*[=:]}"}
  [[ -n $part ]] && COMPREPLY=("${COMPREPLY[@]#"$part"}")
  return 0
}
complete -F _flowlog_exporter flowlog-exporter
`

// dashed is the option as it is usually written: old spellings have one dash.
func (o option) dashed() string {
	if spellings[o.name] != "" || o.name == "shards" {
		return "-" + o.name
	}
	return "--" + o.name
}

// forAll calls f with each option of each command.
func forAll(f func(command, option)) {
	for _, c := range commands {
		for _, o := range c.all(&settings{}) {
			f(c, o)
		}
	}
}

// quoted is a text within single quotes of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func completeZsh(w io.Writer) {
	fmt.Fprint(w, "#compdef flowlog-exporter\n# zsh completion of flowlog-exporter: put it as _flowlog-exporter into a folder of $fpath\n_flowlog_exporter() {\n  local -a commands flags\n  commands=(\n")
	for _, c := range commands {
		fmt.Fprintf(w, "    %s\n", quoted(c.name+":"+c.usage))
	}
	fmt.Fprint(w, "  )\n  local command=run\n  if ((CURRENT > 2)) && [[ ${commands[(r)${words[2]}:*]} == ${words[2]}:* ]]; then\n    command=${words[2]}\n    shift words\n    ((CURRENT--))\n  elif ((CURRENT == 2)); then\n    _describe command commands\n  fi\n  case $command in\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %s) flags=(\n", c.name)
		for _, o := range c.all(&settings{}) {
			fmt.Fprintf(w, "    %s\n", quoted(o.zsh()))
		}
		if words, files := c.words(); files {
			fmt.Fprintln(w, "    '*:file:_files'")
		} else if len(words) > 0 {
			fmt.Fprintf(w, "    '1:word:(%s)'\n", strings.Join(words, " "))
		}
		fmt.Fprint(w, "  ) ;;\n")
	}
	fmt.Fprint(w, "  esac\n  _arguments -S \"$flags[@]\"\n}\nif [[ $funcstack[1] == _flowlog-exporter ]]; then\n  _flowlog_exporter \"$@\"\nelse\n  compdef _flowlog_exporter flowlog-exporter\nfi\n")
}

// zsh is the option as _arguments reads it.
func (o option) zsh() string {
	d := o.describe()
	usage := strings.NewReplacer("[", "(", "]", ")", ":", " ", `\`, "").Replace(d.usage)
	spec := o.dashed() + "[" + usage + "]"
	argument := strings.ReplaceAll(d.argument, ":", " ")
	switch {
	case d.argument == "":
		return spec
	case len(o.words) > 0:
		return "*" + o.dashed() + "=[" + usage + "]:" + argument + ":(" + strings.ReplaceAll(strings.Join(o.words, " "), ":", `\:`) + ")"
	case o.isFile():
		return "*" + o.dashed() + "=[" + usage + "]:" + argument + ":_files"
	}
	return "*" + o.dashed() + "=[" + usage + "]:" + argument + ": "
}

func completeFish(w io.Writer) {
	fmt.Fprint(w, "# fish completion of flowlog-exporter: put it into ~/.config/fish/completions/flowlog-exporter.fish\ncomplete -c flowlog-exporter -f\n")
	others := "not __fish_seen_subcommand_from " + strings.Join(commandNames()[1:], " ")
	for _, c := range commands {
		fmt.Fprintf(w, "complete -c flowlog-exporter -n __fish_use_subcommand -a %s -d %s\n", c.name, quoted(c.usage))
		condition := quoted("__fish_seen_subcommand_from " + c.name)
		if c.name == "run" { // which may be left out
			condition = quoted(others)
		}
		for _, o := range c.all(&settings{}) {
			fmt.Fprintf(w, "complete -c flowlog-exporter -n %s %s\n", condition, o.fish())
		}
		if words, files := c.words(); files {
			fmt.Fprintf(w, "complete -c flowlog-exporter -n %s -F\n", condition)
		} else if len(words) > 0 {
			fmt.Fprintf(w, "complete -c flowlog-exporter -n %s -a %s\n", condition, quoted(strings.Join(words, " ")))
		}
	}
}

// fish is the option as complete reads it.
func (o option) fish() string {
	d := o.describe()
	kind := "-l "
	if !strings.HasPrefix(o.dashed(), "--") {
		kind = "-o "
	}
	spec := kind + o.name + " -d " + quoted(d.usage)
	switch {
	case len(o.words) > 0:
		spec += " -x -a " + quoted(strings.Join(o.words, " "))
	case o.isFile():
		spec += " -r -F"
	case d.argument != "":
		spec += " -x"
	}
	return spec
}
