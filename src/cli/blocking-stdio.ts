/**
 * Node makes a pipe that is its standard output or error non-blocking as soon as it looks at it, for every process that
 * shares it. In `ansible-playbook ... | rollwatch task follow` under a CI that is Ansible's standard error as well, and
 * Ansible refuses to start on such a one ("Ansible requires blocking IO"). So it is looked at first of all, and set back
 * at once; Node writes to pipes synchronously anyway.
 */
for (const stream of [process.stdout, process.stderr]) {
  const handle: unknown = Reflect.get(stream, '_handle');
  if (stream.isTTY === true || typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) continue;
  if (typeof handle.setBlocking === 'function') handle.setBlocking(true);
}
