// The page's only way to the server: JSON both ways, and every failure told in one sentence.

const MOST_SECONDS = 5; // that a request waits when the server asks for patience
const LOST = "The server does not answer. Is it still running?";

/** A failure in words for the user; `status` is the server's, 0 where there was no answer. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Asks for what is a function of its parameters; those that are null or "" are left out. */
export function get(path, parameters = {}, signal = undefined) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given);
  return ask(`/api/${path}${given.length ? `?${query}` : ""}`, { signal });
}

/** Asks for what pictures, or a whole hand, are needed for. */
export function post(path, body, signal = undefined) {
  const headers = { "Content-Type": "application/json" };
  return ask(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function ask(url, options, patient = true) {
  const response = await send(url, options);
  if (response.status === 429 && patient) {
    const seconds = Math.min(Number(response.headers.get("Retry-After")) || 1, MOST_SECONDS);
    await new Promise((resume) => setTimeout(resume, 1000 * seconds));
    options.signal?.throwIfAborted(); // a newer wish has taken over meanwhile
    return ask(url, options, false);
  }
  const answer = await response.json().catch((error) => {
    if (options.signal?.aborted) throw error;
    return null; // not JSON: something else than our server speaks
  });
  if (!response.ok || answer === null) {
    throw new ApiError(sentence(answer?.error ?? `the server answered with ${response.status}`), response.status);
  }
  return answer;
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}${/[.?!]$/.test(words) ? "" : "."}`;
}

async function send(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(LOST, 0);
  }
}
