package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A question by code is a line: its type, then key=value as the keys of its model.
//
//	power_energy measure=energy by=rack boundary=it site=north step=1h
//	kpi kpis=pue,wue shape=series
//	top of=gpu by=gpu_temperature_celsius limit=20 hall="hall 2"

// readCode is the type and the keys of a line. Macros in values are expanded.
func readCode(line string, expand func(string) (string, error)) (typ string, keys map[string]json.RawMessage, err error) {
	words, err := split(line)
	if err != nil {
		return "", nil, err
	}
	if len(words) == 0 {
		return "", nil, wrong("the code is empty; begin with one of %s", kindNames())
	}
	typ = words[0]
	fresh, ok := kinds[typ]
	if !ok {
		return "", nil, wrong("the code begins with %q; begin with one of %s", typ, kindNames())
	}
	known := fieldsOf(fresh())
	keys = map[string]json.RawMessage{}
	for _, w := range words[1:] {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			return "", nil, wrong("%q is not key=value; keys of %s are %s", w, typ, strings.Join(keysOf(fresh()), ", "))
		}
		kind, ok := known[key]
		if !ok {
			return "", nil, wrong("%q is not known; keys of %s are %s", key, typ, strings.Join(keysOf(fresh()), ", "))
		}
		if _, twice := keys[key]; twice {
			return "", nil, wrong("%s is there twice; write it once", key)
		}
		if value, err = expand(value); err != nil {
			return "", nil, err
		}
		if keys[key], err = spelt(key, kind, value); err != nil {
			return "", nil, err
		}
	}
	return typ, keys, nil
}

// spelt is value in JSON, as the model has it.
func spelt(key string, kind reflect.Type, value string) (json.RawMessage, error) {
	var v any = value
	switch kind.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, wrong("%s=%s is not a number", key, value)
		}
		v = n
	case reflect.Slice:
		if kind.Elem().Kind() != reflect.String {
			return nil, wrong("%s cannot be written by code", key)
		}
		v = strings.Split(value, ",")
	}
	return json.Marshal(v)
}

// split cuts a line at spaces outside quotes.
func split(line string) (words []string, err error) {
	var b strings.Builder
	inWord, quoted := false, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted, inWord = !quoted, true
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if inWord {
				words = append(words, b.String())
				b.Reset()
			}
			inWord = false
		default:
			inWord = true
			b.WriteRune(c)
		}
	}
	if quoted {
		return nil, wrong(`a quote is open; close it with "`)
	}
	if inWord {
		words = append(words, b.String())
	}
	return words, nil
}

// fieldsOf are the keys of a model with what they hold.
func fieldsOf(m model) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for f := range t.Fields() {
			if f.Anonymous {
				walk(f.Type)
				continue
			}
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				out[name] = f.Type
			}
		}
	}
	walk(reflect.TypeOf(m).Elem())
	return out
}

// keysOf are the keys of a model, in alphabetical order.
func keysOf(m model) []string {
	var keys []string
	for k := range fieldsOf(m) {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
