const { TextDecoder, TextEncoder } = require('node:util');

require('@testing-library/jest-dom');

// What Grafana's components need of a browser and jsdom has not.
Object.assign(globalThis, { TextDecoder, TextEncoder });
class Silent {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= Silent;
globalThis.IntersectionObserver ??= Silent;
// A channel by timers: the real one would keep Node alive.
globalThis.MessageChannel = class {
  constructor() {
    const make = () => ({ onmessage: null, postMessage: () => {}, close: () => {}, start: () => {} });
    this.port1 = make();
    this.port2 = make();
    this.port2.postMessage = (data) => setTimeout(() => this.port1.onmessage?.({ data }), 0);
  }
};
globalThis.matchMedia ??= () => ({ matches: false, addListener() {}, removeListener() {}, addEventListener() {}, removeEventListener() {} });

// A list draws as many rows as its box has room for: here, enough.
for (const size of ['clientHeight', 'clientWidth', 'offsetHeight', 'offsetWidth']) {
  Object.defineProperty(globalThis.HTMLElement.prototype, size, { configurable: true, get: () => 1000 });
}
globalThis.HTMLElement.prototype.getBoundingClientRect = () => ({ x: 0, y: 0, width: 400, height: 400, top: 0, left: 0, right: 400, bottom: 400, toJSON: () => ({}) });
globalThis.HTMLCanvasElement.prototype.getContext = () => ({ measureText: () => ({ width: 50 }) });

// A complaint in the console is a failure: Grafana's users see it too.
const said = [];
for (const level of ['error', 'warn']) {
  const own = console[level];
  console[level] = (...args) => {
    said.push(args.map(String).join(' ').slice(0, 500));
    own(...args);
  };
}
afterEach(() => {
  const all = said.splice(0);
  if (all.length > 0) {
    throw new Error(`the console has complaints: ${all.join('\n')}`);
  }
});
