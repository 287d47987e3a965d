package nvml

import "log/slog"

// Config says which library is read.
type Config struct {
	Library string       // path or name; default libnvidia-ml.so.1, as the linker finds it
	Logger  *slog.Logger // default: none
}

// defaultLibrary is the name under which every driver installs it.
const defaultLibrary = "libnvidia-ml.so.1"
