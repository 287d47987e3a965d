// @grafana/* ships modules, also as .mjs, which Node of Jest's world cannot
// require as they are: everything is compiled.
module.exports = {
  // Grafana's components take a while to load where two cores are busy.
  testTimeout: 30_000,
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/src/**/*.test.{ts,tsx}'],
  setupFilesAfterEnv: ['<rootDir>/jest.setup.js'],
  transform: {
    '\\.(mjs|[jt]sx?)$': [
      '@swc/jest',
      { sourceMaps: 'inline', jsc: { parser: { syntax: 'typescript', tsx: true }, target: 'es2022' } },
    ],
  },
  transformIgnorePatterns: [],
  // Icons would come by network; style sheets are not read here.
  moduleNameMapper: { '^react-inlinesvg$': '<rootDir>/src/test/noIcon.tsx', '\\.css$': '<rootDir>/src/test/noIcon.tsx' },
};
