/** How a source that is looked at again and again stands; told when it changes, not at each look. */
export type Presence = (state: { readonly away: string } | 'back') => void;

/** Of many looks in vain the first alone is told, and the first good one after them. */
export function createPresence(tell: Presence): { good(): void; bad(reason: string): void } {
  let away = false;
  return {
    good() {
      if (away) tell('back');
      away = false;
    },
    bad(reason) {
      if (!away) tell({ away: reason });
      away = true;
    },
  };
}
