/** `hardshell/inspector`: a page on which operations are seen, live, served on this machine alone. */
export { serveInspector, type Inspector, type InspectorOptions } from './serve.ts'
