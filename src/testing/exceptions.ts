/** What a chart has and no run of the explorer can reach, by kind, and why; an exception that nothing needs is an error. */
export interface Exception {
  /** Fits the requirements that it excuses. */
  readonly what: RegExp
  readonly why: string
}

export const exceptions: { readonly [kind: string]: readonly Exception[] } = {
  melt: [
    {
      what: /^move melt\.fencing\.deriving: done\[3\]|^answer exchange\.derive: gap/,
      why: 'blank outputs leave fifty counters to the fence, which takes fewer: it takes other operations at the same time',
    },
  ],
}
