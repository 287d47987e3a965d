// Package guard reads boards by a driver in a process of its own, because a
// vendor's library may block for ever, call what is not there, or fault: what
// happens to it then happens to that process alone.
//
//	agent                          pipe                    child
//	Child.Read ──── one byte ──────────────▶ Serve ──▶ Driver.Read ──▶ C library
//	      ▲ waits 0.7 s at most                │
//	      └──────── one frame ◀────────────────┘      stderr ──▶ the agent's log
//
// What becomes of a child:
//
//	  ┌──────────── 1 s, 2 s, … 60 s; 5 min where there is no driver ◀─┐
//	  ▼                                                                │
//	started ─▶ asked ⇄ answers ──ends by itself────────────────────▶ ended
//	             │ nothing for 15 s                                    ▲
//	             └──▶ SIGTERM ──5 s──▶ SIGKILL ──▶ it hangs in the kernel: waited for
//
// A frame is the length of what follows in four bytes, the greatest first, and an
// answer in gob.
//
// Invariants:
//   - A child is asked once, and again only after it has answered. An answer that
//     comes too late for one reading is the next one's: nothing of it is lost, and
//     nothing is delivered twice.
//   - There is one child at a time, and none when the agent has ended: its standard
//     input ends then, and on Linux it gets SIGTERM.
//   - No reading waits for longer than Config.Wait, whatever the child does.
//   - What a child may send is bounded: a frame, a line, lines a minute.
//   - Nothing that must outlive a child is kept in it.
package guard
