package store

// What tests may reach.

// Agents is how many agents w remembers.
func (w *Writer) Agents() int { return len(w.agents) }
