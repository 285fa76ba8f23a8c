/** What `server-reach` calls. `name` is the target of its series. */
export type ReachTarget =
  /** A server that `check before` has left, looked for by its name. */
  | { readonly kind: 'kept'; readonly name: string; readonly port: number }
  | { readonly kind: 'address'; readonly name: string; readonly host: string; readonly port: number };
