// Contact asks the aggregator for its status once a second, and knows how long
// ago it last answered.

const PERIOD = 1000; // milliseconds between questions
const TIMEOUT = 4000; // a question older than this is given up
const SLOWEST = 10000; // the longest wait between attempts

export class Contact {
  // question() returns the query string; heard(text) gets each answer and throws
  // a SyntaxError if it cannot be read.
  constructor(question, heard) {
    this.question = question;
    this.heard = heard;
    this.last = clocks(); // at the last good answer, or at the start
    this.failures = 0;
    this.why = "";
    this.timer = 0;
    this.asking = null;
  }

  // silence is the time without an answer, in seconds.
  get silence() {
    const now = clocks();
    return Math.max(now.steady - this.last.steady, now.wall - this.last.wall) / 1000;
  }

  // ask asks now and sets the time of the next question.
  async ask() {
    clearTimeout(this.timer);
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    const began = performance.now();
    const limit = setTimeout(() => asking.abort(), TIMEOUT);
    try {
      const response = await fetch(`api/v1/status?${this.question()}`, {
        signal: asking.signal,
        cache: "no-store",
        headers: { Accept: "application/json" },
      });
      if (!response.ok) throw new Error(`it answers ${response.status} ${response.statusText}`.trim());
      const text = await response.text();
      if (this.asking !== asking) return;
      this.heard(text);
      this.last = clocks();
      this.failures = 0;
      this.why = "";
    } catch (error) {
      if (this.asking !== asking) return; // a later question replaced this one
      this.failures++;
      this.why = reason(error);
    } finally {
      clearTimeout(limit);
    }
    const wait = this.failures ? Math.min(SLOWEST, PERIOD * 2 ** (this.failures - 1)) : PERIOD;
    this.timer = setTimeout(() => this.ask(), Math.max(50, wait - (performance.now() - began)));
  }
}

// clocks reads both: the steady one may stand still while a computer sleeps, the
// other may be set.
const clocks = () => ({ steady: performance.now(), wall: Date.now() });

function reason(error) {
  if (error.name === "AbortError") return `no answer within ${TIMEOUT / 1000} s`;
  if (error instanceof SyntaxError) return "its answer cannot be read";
  if (error instanceof TypeError) return "it cannot be reached";
  return error.message;
}
