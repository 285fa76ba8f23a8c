/** Resolves with the name of the signal by which we were told to stop. A second one ends the process at once, as the user wants it. */
export function stopSignal(): { readonly stopped: Promise<NodeJS.Signals>; release(): void } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let count = 0;
  const heed = (signal: NodeJS.Signals) => {
    count++;
    if (count > 1) process.exit(130);
    resolve(signal);
  };
  process.on('SIGINT', heed);
  process.on('SIGTERM', heed);
  return {
    stopped: promise,
    release() {
      process.off('SIGINT', heed);
      process.off('SIGTERM', heed);
    },
  };
}
