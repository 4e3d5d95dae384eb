/** The ids of children. */

/** A child's id, from its parent's and its name. */
export const childId = (parent: string, name: string): string => `${parent}/${name}`

/** The name under which an operation was started; undefined where it is no child of this parent. */
export const nameOf = (parent: string, id: string): string | undefined =>
  id.startsWith(`${parent}/`) ? id.slice(parent.length + 1) : undefined
