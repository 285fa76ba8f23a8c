/** What `server-reach` connects to. `name` is the target of its series. */
export type ReachTarget =
  /** A survivor of `check before`, found by its name. */
  | { readonly kind: 'survivor'; readonly name: string; readonly port: number }
  | { readonly kind: 'address'; readonly name: string; readonly host: string; readonly port: number };
