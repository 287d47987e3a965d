package double

import (
	"bytes"
	"debug/elf"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed libdcgm/*.c libdcgm/*.h
var source embed.FS

// ErrNoCompiler says that the host has no C compiler.
var ErrNoCompiler = errors.New("no C compiler called cc")

// Build builds the library in dir, under the name that it is loaded by.
func Build(dir string) (string, error) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return "", ErrNoCompiler
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/NVIDIA/go-dcgm").Output()
	if err != nil {
		return "", fmt.Errorf("find the headers of go-dcgm: %w", err)
	}
	if err := os.CopyFS(filepath.Join(dir, "source"), source); err != nil {
		return "", fmt.Errorf("write the double's source: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "source", "libdcgm", "*.c"))
	if err != nil {
		return "", err
	}
	lib := filepath.Join(dir, "libdcgm.so.4")
	args := append([]string{
		"-shared", "-fPIC", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden",
		"-isystem", filepath.Join(strings.TrimSpace(string(out)), "pkg", "dcgm"),
		"-Wl,-soname,libdcgm.so.4", "-o", lib,
	}, files...)
	var said bytes.Buffer
	cmd := exec.Command(cc, append(args, "-lpthread")...)
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build the double: %w\n%s", err, said.Bytes())
	}
	return lib, os.RemoveAll(filepath.Join(dir, "source"))
}

// Check says whether a program can run with a library: whether the library has
// every symbol of DCGM's that the program refers to, and whether the program
// leaves it to the moment of a call to look for them. One that is bound eagerly
// does not even start where there is no DCGM.
func Check(program, library string) error {
	p, err := elf.Open(program)
	if err != nil {
		return fmt.Errorf("check %s: %w", program, err)
	}
	defer p.Close()
	if eager(p) {
		return fmt.Errorf("check %s: it is bound eagerly (BIND_NOW), and so does not start without DCGM", program)
	}
	want, err := p.ImportedSymbols()
	if err != nil {
		return fmt.Errorf("check %s: %w", program, err)
	}
	l, err := elf.Open(library)
	if err != nil {
		return fmt.Errorf("check %s: %w", library, err)
	}
	defer l.Close()
	symbols, err := l.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("check %s: %w", library, err)
	}
	var lacks []string
	for _, s := range want {
		if s.Library != "" || s.Name != "errorString" && !strings.HasPrefix(strings.ToLower(s.Name), "dcgm") {
			continue
		}
		if !slices.ContainsFunc(symbols, func(have elf.Symbol) bool { return have.Name == s.Name && have.Section != elf.SHN_UNDEF }) {
			lacks = append(lacks, s.Name)
		}
	}
	if lacks != nil {
		return fmt.Errorf("check %s: %s lacks %s", program, library, strings.Join(lacks, ", "))
	}
	return nil
}

func eager(p *elf.File) bool {
	has := func(tag elf.DynTag, flag uint64) bool {
		v, err := p.DynValue(tag)
		return err == nil && slices.ContainsFunc(v, func(v uint64) bool { return flag == 0 || v&flag != 0 })
	}
	return has(elf.DT_BIND_NOW, 0) || has(elf.DT_FLAGS, uint64(elf.DF_BIND_NOW)) || has(elf.DT_FLAGS_1, uint64(elf.DF_1_NOW))
}
