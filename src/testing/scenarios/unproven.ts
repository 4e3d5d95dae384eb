/** Scenarios that something is wrong with: run by their names alone, until the charts bear them. */
export const unproven: ReadonlySet<string> = new Set<string>([
  'melt.dialect-cdk-pages',
  'melt.dialect-coded500-failed',
  'melt.dialect-nutshell-pages',
  'melt.dialect-pages-missing',
  'melt.dialect-text-dead',
  'melt.dialect-text-small',
  'melt.dialect-text-unknown',
  'melt.dialect-unknown-pages',
  'melt.dialect-unknown-small',
])
