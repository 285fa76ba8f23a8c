"""Times each method of the callback plugin ROLLWATCH_BENCH_PLUGIN, and writes the sums to ROLLWATCH_BENCH_FILE."""
import importlib.util
import json
import os
import resource
import time

begun = time.perf_counter()
spec = importlib.util.spec_from_file_location('rollwatch_plugin', os.environ['ROLLWATCH_BENCH_PLUGIN'])
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)

DOCUMENTATION = plugin.DOCUMENTATION
spent = {'load': {'calls': 1, 'wall': time.perf_counter() - begun, 'waits': 0}}


def waits():
    """The number of voluntary context switches of this thread.

    Without time.thread_time: its first call after a fork takes up to a millisecond, which would be measured too.
    """
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def timed(name, method):
    sums = spent[name] = {'calls': 0, 'wall': 0, 'waits': 0}

    def wrapped(*args, **kwargs):
        waited = waits()
        begun = time.perf_counter()
        try:
            return method(*args, **kwargs)
        finally:
            sums['calls'] += 1
            sums['wall'] += time.perf_counter() - begun
            sums['waits'] += waits() - waited

    return wrapped


def processor_time(pid):
    """Returns the processor time of a process that may have ended, in seconds."""
    try:
        with open('/proc/%d/stat' % pid) as stat:
            fields = stat.read().rsplit(')', 1)[1].split()
    except (IOError, OSError):
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class CallbackModule(plugin.CallbackModule):
    pass


for name, method in list(vars(plugin.CallbackModule).items()):
    if name == '__init__' or name.startswith('v2_'):
        setattr(CallbackModule, name, timed(name, method))

last = CallbackModule.v2_playbook_on_stats


def v2_playbook_on_stats(self, stats):
    last(self, stats)
    sender = self.pipe.process.pid
    with open(os.environ['ROLLWATCH_BENCH_FILE'], 'w') as out:
        json.dump({'spent': spent, 'sender': sender, 'senderSeconds': processor_time(sender)}, out)


CallbackModule.v2_playbook_on_stats = v2_playbook_on_stats
