/**
 * Called when a polled source becomes unreachable, for each further poll that fails (`again`), and when it is reachable
 * again.
 */
export type OnConnectionChange = (state: { readonly problem: string; readonly again: boolean } | 'recovered') => void;

/** Turns the results of polls into changes. */
export type ConnectionStatus = {
  succeeded(): void;
  failed(reason: string): void;
};

/** Creates a status that reports each failed poll, and the first successful one after failures. */
export function createConnectionStatus(onChange: OnConnectionChange): ConnectionStatus {
  let isUnreachable = false;
  return {
    succeeded() {
      if (isUnreachable) onChange('recovered');
      isUnreachable = false;
    },
    failed(reason) {
      onChange({ problem: reason, again: isUnreachable });
      isUnreachable = true;
    },
  };
}
