package main

import (
	"fmt"
	"strconv"
	"strings"
)

// options are the flags of the command line by name without dashes; a flag may have several values.
type options map[string][]string

// parseOptions reads "--name value", "--name=value", "--name v1 v2" and "--name"; names it does not know are kept.
func parseOptions(arguments []string) options {
	parsed := options{}
	name := ""
	for _, argument := range arguments {
		if rest, isFlag := strings.CutPrefix(argument, "--"); isFlag {
			flag, value, hasValue := strings.Cut(rest, "=")
			name = strings.ReplaceAll(flag, "_", "-")
			parsed[name] = []string{}
			if hasValue {
				parsed[name] = []string{value}
			}
		} else if name != "" {
			parsed[name] = append(parsed[name], argument)
		}
	}
	return parsed
}

func (o options) text(name, otherwise string) string {
	if values := o[name]; len(values) > 0 {
		return values[0]
	}
	return otherwise
}

// size reads a number as vLLM does: 64k is 64,000, 64K is 65,536.
func (o options) size(name string, otherwise int64) (int64, error) {
	text := o.text(name, "")
	if text == "" {
		return otherwise, nil
	}
	factors := map[byte]float64{
		'k': 1e3, 'm': 1e6, 'g': 1e9, 't': 1e12,
		'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40,
	}
	digits, factor := text, 1.0
	if found, ok := factors[text[len(text)-1]]; ok {
		digits, factor = text[:len(text)-1], found
	}
	number, err := strconv.ParseFloat(digits, 64)
	if err != nil || number < 0 {
		return 0, fmt.Errorf("argument --%s: invalid value: %q, want a number such as 65536, 64k or 64K", name, text)
	}
	return int64(number * factor), nil
}
