package secret

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// longest is how many bytes a file's first line may have.
const longest = 4096

// Read is the first line of a file.
func Read(path string) (Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return Text{}, fmt.Errorf("read credentials: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, longest+2)) // and the end of the line
	if err != nil {
		return Text{}, fmt.Errorf("read credentials: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	switch line = strings.TrimRight(line, "\r"); {
	case line == "":
		return Text{}, fmt.Errorf("read credentials: %s is empty", path)
	case len(line) > longest:
		return Text{}, fmt.Errorf("read credentials: the first line of %s has more than %d bytes", path, longest)
	}
	return Of(line), nil
}
