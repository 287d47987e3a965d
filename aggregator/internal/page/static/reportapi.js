// Asks the aggregator for reports. An answer that says no is an Error with its words;
// one that says "later" is asked for again.

const AGAIN = 3000; // milliseconds until a record that is being made is asked for again

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// failure is the Error of an answer that says no.
export async function failure(response) {
  try {
    await answer(response);
  } catch (error) {
    return error;
  }
  return new Refused(response.status, `the aggregator answers ${response.status}`);
}

async function answer(response) {
  let body;
  try {
    body = await response.json();
  } catch {
    throw new Refused(response.status, `the aggregator answers ${response.status} ${response.statusText}`.trim());
  }
  if (body.status !== "success") throw new Refused(response.status, body.error || `it answers ${response.status}`);
  return body.data;
}

// get asks for path; waiting(text) is told while there is none yet. It ends with signal.
export async function get(path, signal, waiting = () => {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, { signal, cache: "no-store", headers: { Accept: "application/json" } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, "the aggregator cannot be reached");
    }
    try {
      return await answer(response);
    } catch (error) {
      if (error.status !== 503) throw error;
      waiting(error.message);
      await new Promise((done) => setTimeout(done, AGAIN));
      if (signal?.aborted) throw new DOMException("", "AbortError");
    }
  }
}

// post takes a step. Its body is JSON, which a page of another origin cannot send.
export async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      cache: "no-store",
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "the aggregator cannot be reached; look whether the step was taken before you try again");
  }
  return answer(response);
}

export const base = (site, year) => `api/v1/report/${encodeURIComponent(site)}/${year}`;

export function query(parameters) {
  const text = new URLSearchParams(Object.entries(parameters).filter(([, v]) => v)).toString();
  return text ? `?${text}` : "";
}
