/** Charts described and drawn: `hardshell/chart`. */
export { describeChart } from './describe.ts'
export type {
  ChartArrow,
  ChartArrowType,
  ChartDelay,
  ChartDescription,
  ChartInvoke,
  ChartState,
  ChartStateType,
} from './description.ts'
export { foldChart } from './fold.ts'
export { arrowAt, statesAt } from './lit.ts'
export { mermaidOf } from './mermaid.ts'
export { CHART_STYLE } from './style.ts'
export { drawChart, type DrawOptions } from './svg.ts'
