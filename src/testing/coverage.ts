import type { InspectionEvent } from '../kernel/inspect.ts'
export class Coverage {
  readonly visited = new Set<string>()
  readonly kind: string
  constructor(kind: string) { this.kind = kind }
  readonly inspect = (_: InspectionEvent): void => {}
}
