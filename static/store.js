// What the parts of the page share: the models, the drawing just made, and the user's own hand.

const state = { models: [], sources: [], drawing: null, hand: null };
const watchers = new Map();

export const store = {
  get(key) {
    return state[key];
  },
  set(key, value) {
    state[key] = value;
    for (const watcher of watchers.get(key) ?? []) watcher(value);
  },
  /** Calls `watcher` with the value now, and whenever it is set. */
  watch(key, watcher) {
    watchers.set(key, [...(watchers.get(key) ?? []), watcher]);
    watcher(state[key]);
  },
};
