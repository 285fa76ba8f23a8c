# Copyright The Rollwatch authors
# SPDX-License-Identifier: Apache-2.0
"""Reports to Rollwatch which task of the upgrade is running.

Two programs in one file. Ansible loads it as a callback plugin, which writes the start and the end of each task and
handler to a pipe and never waits. At the other end of the pipe, the same file runs as a separate process, the sender:
it keeps each report until Rollwatch has accepted it. If Rollwatch is down, slow or hangs, only the sender waits; the
upgrade is not affected.

Supports ansible-core 2.9 on Python 2.7 to ansible-core 2.21 on Python 3. Requires nothing but Python.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = """
    name: rollwatch
    callback: rollwatch
    callback_type: notification
    type: notification
    short_description: reports to Rollwatch which task of the upgrade is running
    version_added: "2.9"
    description:
      - Reports the start and the end of every task and handler to a running Rollwatch, with the hosts it ran on, their
        inventory groups, and whether it failed, so that downtime can be attributed to the task that caused it.
      - No results, arguments or variables of a task are sent.
      - The plugin never waits for Rollwatch. Reports that cannot be delivered are kept and retried, until up to a
        minute after the end of the playbook.
    requirements:
      - C(ANSIBLE_CALLBACKS_ENABLED=rollwatch), to enable it
      - C(ROLLWATCH_URL) in the environment, such as C(http://127.0.0.1:9774)
      - C(ROLLWATCH_TOKEN), the write token, unless Rollwatch listens only on loopback
      - C(ROLLWATCH_CACERT), a file with CA certificates, if HTTPS needs others than those of the system
      - C(ROLLWATCH_LINGER), for how many seconds to retry after the end of the playbook, 60 by default
"""

import json
import marshal
import os
import struct
import subprocess
import sys
import time
import uuid

URL = 'ROLLWATCH_URL'
MISSING = object()

# Each message in the pipe starts with its length.
LENGTH = struct.Struct('>I')
# The limit of messages that are kept while the sender lags behind; further messages are lost.
MAX_BACKLOG_BYTES = 4 * 1024 * 1024
# The capacity of the pipe itself, which the sender reads at intervals.
PIPE_BYTES = 1024 * 1024
F_SETPIPE_SZ = 1031
# How often the sender polls the pipe.
POLL_INTERVAL_SECONDS = 0.1
MAX_HOSTS = 2000
MAX_GROUPS = 1000
# More hosts of a task are reported with its end, except for the first one of each group.
HOSTS_REPORTED_AT_ONCE = 32


def timestamp(at):
    """Formats a time in seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    millis = int(round(at * 1000))
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(millis // 1000)) + '.%03dZ' % (millis % 1000)


class Pipe:
    """The pipe to the sender. Writes what the pipe takes at once and keeps the rest; never blocks, never raises."""

    def __init__(self):
        import fcntl

        options = {'start_new_session': True} if sys.version_info[0] > 2 else {'preexec_fn': os.setsid}
        self.process = subprocess.Popen(
            [sys.executable, '-E', '-s', os.path.splitext(os.path.abspath(__file__))[0] + '.py', str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(os.devnull, 'wb'),
            cwd='/',
            close_fds=sys.version_info[0] > 2,
            **options
        )
        self.owner = os.getpid()
        self.backlog = b''
        self.broken = False
        for end in (self.process.stdin, self.process.stdout):
            flags = fcntl.fcntl(end.fileno(), fcntl.F_GETFL)
            fcntl.fcntl(end.fileno(), fcntl.F_SETFL, flags | os.O_NONBLOCK)
        try:
            fcntl.fcntl(self.process.stdin.fileno(), F_SETPIPE_SZ, PIPE_BYTES)
        except (IOError, OSError):
            # Not Linux, or not permitted: the pipe holds less.
            pass

    def send(self, reports):
        """Sends reports in their order: records, ends of tasks and the end of the run."""
        if self.broken or os.getpid() != self.owner:
            return
        # The sender runs the same Python. JSON takes several times as long.
        body = marshal.dumps(reports, 2)
        if len(self.backlog) + len(body) <= MAX_BACKLOG_BYTES:
            self.backlog += LENGTH.pack(len(body)) + body
        try:
            while self.backlog:
                self.backlog = self.backlog[os.write(self.process.stdin.fileno(), self.backlog):]
        except (IOError, OSError) as error:
            import errno

            self.broken = error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)

    def last_error(self):
        """Returns the last error of the sender, or an empty string."""
        try:
            lines = os.read(self.process.stdout.fileno(), 65536).decode('utf-8', 'replace').splitlines()
        except (IOError, OSError):
            return ''
        return lines[-1] if lines else ''


class Running:
    """The state of a task until it ends. It is small, because every worker that Ansible forks copies touched memory."""

    __slots__ = ('id', 'dry', 'failed', 'hosts_running', 'hosts', 'groups', 'latest', 'ended', 'record')


class Tasks:
    """The running tasks. Ansible reports the start of a task and the results of hosts, but never its end."""

    def __init__(self):
        # Reports to send, in order; sending empties the list.
        self.reports = []
        self.run = uuid.uuid4().hex
        self.count = 0
        self.playbook = None
        self.play = None
        # With the strategies free and host_pinned, hosts proceed independently and tasks overlap.
        self.overlapping = False
        self.open = {}

    def begin_play(self, name, strategy):
        self.end_all()
        self.play = name
        self.overlapping = strategy.split('.')[-1] in ('free', 'host_pinned', 'mitogen_free', 'mitogen_host_pinned')

    def begin(self, key, task, kind):
        if not self.overlapping:
            self.end_all()
        known = self.open.get(key)
        if known is None:
            known = self.open[key] = Running()
            # Set for the task, or for the whole run by --check.
            known.dry = getattr(task, 'check_mode', None) is True
            known.failed = False
            known.hosts_running = 0
            known.hosts = None
            known.groups = None
            known.latest = None
            known.ended = False
            record = self.record(task, kind)
            if known.dry:
                record['status'] = 'dry-run'
            known.id = record['id']
            # A task that has ended can continue only if tasks overlap.
            known.record = record if self.overlapping else None
            self.reports.append(record)
        known.hosts_running += 1
        if known.ended:
            known.ended = False
            self.reports.append(dict(known.record, status=self.status(known, 'running'), **self.doers(known)))

    def record(self, task, kind):
        self.count += 1
        role = text(task._role.get_name()) if getattr(task, '_role', None) else None
        name = text(getattr(task, 'name', None) or getattr(task, 'action', None))
        # Ansible 2.9 names a handler with its role.
        if role and name and name.startswith(role + ' : '):
            name = name[len(role) + 3:]
        tags = getattr(task, 'tags', None)
        return {
            'id': 'callback-%s-%d' % (self.run, self.count),
            'name': name or 'unnamed',
            'role': role,
            'play': self.play,
            'playbook': self.playbook,
            'tags': sorted(set(text(tag) for tag in tags))[:100] if tags else [],
            'kind': kind,
            'status': 'running',
            'start': time.time(),
            'end': None,
            'source': 'callback',
        }

    def result(self, key, host, groups, failed):
        """Records the result of a host; `host` is None if it skipped the task."""
        known = self.open.get(key)
        if known is None:
            return
        known.latest = time.time()
        known.hosts_running -= 1
        if host is not None:
            if known.hosts is None:
                known.hosts = set()
                known.groups = set()
            known.hosts.add(host)
            news = len(known.hosts) <= HOSTS_REPORTED_AT_ONCE or not known.groups.issuperset(groups)
            known.groups.update(groups)
            if news and not known.ended:
                # The task has had an effect on this host, so it can start a phase.
                self.reports.append(dict(self.doers(known), id=known.id))
        if failed:
            known.failed = True
        if self.overlapping and known.hosts_running <= 0:
            self.end(known)

    @staticmethod
    def doers(known):
        return {
            'hosts': sorted(known.hosts or ())[:MAX_HOSTS],
            'groups': sorted(known.groups or ())[:MAX_GROUPS],
        }

    @staticmethod
    def status(known, otherwise):
        return 'dry-run' if known.dry else 'failed' if known.failed else otherwise

    def end(self, known):
        known.ended = True
        # The sender knows the other fields.
        self.reports.append(dict(
            self.doers(known),
            id=known.id,
            status=self.status(known, 'ok'),
            end=known.latest or time.time(),
        ))

    def end_all(self):
        for known in self.open.values():
            if not known.ended:
                self.end(known)
        self.open = {}


def text(value):
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    # The result is never an instance of one of Ansible's classes, which marshal could not write.
    return u'%s' % value if sys.version_info[0] < 3 and isinstance(value, type(u'')) else str(value)


try:
    from ansible.plugins.callback import CallbackBase
    from ansible.release import __version__ as ansible_version
except ImportError:
    # The sender runs without Ansible.
    CallbackBase = object
    ansible_version = ''


def attribute(thing, *names):
    for name in names:
        value = getattr(thing, name, MISSING)
        if value is not MISSING:
            return value
    return None


def groups_of(host):
    """Returns the names of the inventory groups that contain a host, at any depth, without `all`."""
    names = (text(group.get_name()) for group in getattr(host, 'groups', None) or ())
    return [name for name in names if name != 'all']


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'rollwatch'
    CALLBACK_NEEDS_ENABLED = True
    if ansible_version.startswith(('2.9.', '2.10.')):
        # These releases know only the old name of the list of enabled callbacks.
        CALLBACK_NEEDS_WHITELIST = 'rollwatch' not in os.environ.get('ANSIBLE_CALLBACKS_ENABLED', '').split(',')

    def __init__(self, *args, **kwargs):
        super(CallbackModule, self).__init__(*args, **kwargs)
        self.pipe = None
        self.tasks = Tasks()

    def _send(self):
        if self.pipe is not None and self.tasks.reports:
            reports, self.tasks.reports = self.tasks.reports, []
            self.pipe.send(reports)

    def _warn(self, message):
        self._display.warning(u'rollwatch: ' + message)

    def v2_playbook_on_start(self, playbook):
        url = os.environ.get(URL, '')
        if not url.startswith(('http://', 'https://')):
            self.disabled = True
            is_set = u'is %r' % url if url else u'is not set'
            self._warn(u'%s %s; set it to a URL such as http://127.0.0.1:9774. No tasks are reported.' % (URL, is_set))
            return
        self.tasks.playbook = text(os.path.basename(getattr(playbook, '_file_name', None) or '')) or None
        try:
            self.pipe = Pipe()
        except Exception as error:
            self.disabled = True
            self._warn(u'cannot start a process: %s. No tasks are reported.' % error)

    def v2_playbook_on_play_start(self, play):
        self.tasks.begin_play(text(play.get_name()).strip() or None, text(getattr(play, 'strategy', None)) or 'linear')
        self._send()

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.tasks.begin(task._uuid, task, 'task')
        self._send()

    def v2_playbook_on_cleanup_task_start(self, task):
        self.tasks.begin(task._uuid, task, 'task')
        self._send()

    def v2_playbook_on_handler_task_start(self, task):
        # A handler that is notified again runs again with the same id.
        self.tasks.begin(('handler', task._uuid), task, 'handler')
        self._send()

    def _result(self, result, failed=False, skipped=False):
        task = attribute(result, 'task', '_task')
        # A skipped host does not count as a host of the task: nothing was done there.
        host = attribute(result, 'host', '_host')
        name = None if skipped else text(host.get_name())
        groups = () if skipped else groups_of(host)
        for key in (task._uuid, ('handler', task._uuid)):
            self.tasks.result(key, name, groups, failed)
        self._send()

    def v2_runner_on_ok(self, result):
        self._result(result)

    def v2_runner_on_skipped(self, result):
        self._result(result, skipped=True)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result(result, failed=not ignore_errors)

    def v2_runner_on_unreachable(self, result):
        task = attribute(result, 'task', '_task')
        self._result(result, failed=not getattr(task, 'ignore_unreachable', False))

    def v2_playbook_on_stats(self, stats):
        self.tasks.end_all()
        if self.pipe is None:
            return
        self.tasks.reports.append({'ended': True})
        self._send()
        error = self.pipe.last_error()
        if error:
            self._warn(error)


class Sender:
    """Sends the latest state of each record to Rollwatch, until all are accepted or the time to linger is over."""

    BATCH_SIZE = 500
    MAX_RECORDS = 20000
    TIMEOUT_SECONDS = 5
    MIN_RETRY_SECONDS = 0.25
    MAX_RETRY_SECONDS = 2
    # Running tasks are reported again at this interval. The sender may be killed together with Ansible, as in a
    # container; the daemon then ends a task that is no longer reported.
    HEARTBEAT_SECONDS = 10

    def __init__(self, environ):
        import threading

        self.url = environ.get(URL, '').rstrip('/')
        self.token = environ.get('ROLLWATCH_TOKEN', '')
        self.cacert = environ.get('ROLLWATCH_CACERT') or None
        try:
            self.linger = float(environ.get('ROLLWATCH_LINGER', '60'))
        except ValueError:
            self.linger = 60.0
        self.changed = threading.Condition()
        self.waiting = {}
        self.running = {}
        self.give_up_at = None
        self.reported_error = None
        self.beat_at = monotonic() + self.HEARTBEAT_SECONDS

    def read(self, pipe, parent):
        """Reads the pipe until the run ends, in whatever way."""
        ended = False
        for message in messages(pipe, parent):
            with self.changed:
                for report in marshal.loads(message):
                    if 'ended' in report:
                        ended = True
                    else:
                        self.receive(report)
                self.changed.notify()
        with self.changed:
            if not ended:
                # Ansible was killed: running tasks have ended with an unknown status.
                for record in list(self.running.values()):
                    status = 'dry-run' if record['status'] == 'dry-run' else 'unknown'
                    self.keep(dict(record, status=status, end=timestamp(time.time())))
            self.give_up_at = monotonic() + self.linger
            self.changed.notify()
        # Ends the process even if a response arrives byte by byte.
        time.sleep(self.linger + 2 * self.TIMEOUT_SECONDS)
        os._exit(1)

    def receive(self, report):
        """Keeps a complete record, or adds fields to that of a running task; times are in seconds since 1970."""
        for field in ('start', 'end'):
            if report.get(field) is not None:
                report[field] = timestamp(report[field])
        if 'start' in report:
            self.keep(report)
        elif report['id'] in self.running:
            self.keep(dict(self.running[report['id']], **report))

    def keep(self, record):
        if record['end'] is None:
            self.running[record['id']] = record
        else:
            self.running.pop(record['id'], None)
        self.waiting[record['id']] = record
        if len(self.waiting) > self.MAX_RECORDS:
            del self.waiting[min(self.waiting, key=lambda record_id: self.waiting[record_id]['start'])]

    def beat(self):
        """Queues running tasks again if a heartbeat is due. Returns true if it was due and anything is queued."""
        if monotonic() < self.beat_at:
            return False
        self.beat_at = monotonic() + self.HEARTBEAT_SECONDS
        for record in self.running.values():
            self.waiting.setdefault(record['id'], record)
        return bool(self.waiting)

    def deliver(self):
        pause = self.MIN_RETRY_SECONDS
        while True:
            with self.changed:
                while not self.beat() and not self.waiting and self.give_up_at is None:
                    self.changed.wait(self.HEARTBEAT_SECONDS)
                batch = sorted(self.waiting.values(), key=lambda record: record['start'])[:self.BATCH_SIZE]
                expired = self.give_up_at is not None and monotonic() >= self.give_up_at
            if expired or not batch:
                return
            done, error = self.post(batch)
            self.report_error(error)
            if done:
                pause = self.MIN_RETRY_SECONDS
                with self.changed:
                    for record in batch:
                        if self.waiting.get(record['id']) is record:
                            del self.waiting[record['id']]
            else:
                time.sleep(pause)
                pause = min(pause * 2, self.MAX_RETRY_SECONDS)

    def post(self, batch):
        """Sends records. Returns whether they are done, and the error. Rejected ones are done: retrying is no use."""
        try:
            status, reason = self.request(json.dumps({'tasks': batch}).encode('ascii'))
        except Exception as error:
            return False, '%s' % (error or type(error).__name__)
        if 200 <= status < 300:
            return True, None
        return status < 500 and status not in (408, 429), 'HTTP %d %s' % (status, reason)

    def request(self, body):
        try:
            from http.client import HTTPConnection, HTTPSConnection
            from urllib.parse import urlsplit
        except ImportError:
            from httplib import HTTPConnection, HTTPSConnection
            from urlparse import urlsplit
        url = urlsplit(self.url)
        if url.scheme == 'https':
            import ssl

            context = ssl.create_default_context(cafile=self.cacert)
            connection = HTTPSConnection(url.hostname, url.port, timeout=self.TIMEOUT_SECONDS, context=context)
        else:
            connection = HTTPConnection(url.hostname, url.port, timeout=self.TIMEOUT_SECONDS)
        headers = {
            'Content-Type': 'application/json',
            'Rollwatch-Heartbeat': str(self.HEARTBEAT_SECONDS),
            'Connection': 'close',
            'User-Agent': 'rollwatch-ansible',
        }
        if self.token:
            headers['Authorization'] = 'Bearer ' + self.token
        try:
            connection.request('POST', url.path + '/api/v1/tasks', body, headers)
            answer = connection.getresponse()
            answer.read(65536)
            return answer.status, answer.reason
        finally:
            connection.close()

    def report_error(self, error):
        """Writes the error for the plugin, which reads it at the end of the playbook."""
        if error == self.reported_error:
            return
        self.reported_error = error
        message = '' if error is None else 'cannot report tasks to %s: %s' % (self.url, error)
        try:
            os.write(1, (message + '\n').encode('utf-8'))
        except (IOError, OSError):
            pass


def messages(pipe, parent):
    """Yields messages until the pipe is closed or its writer is gone; orphans of the writer may keep the pipe open.

    Polls the pipe instead of blocking on it: waking up at each write would compete with Ansible for the CPU.
    """
    import select

    rest = b''
    while True:
        while not select.select([pipe], [], [], 0)[0]:
            if os.getppid() != parent:
                return
            time.sleep(POLL_INTERVAL_SECONDS)
        read = os.read(pipe, 65536)
        if not read:
            return
        rest += read
        while len(rest) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack(rest[:LENGTH.size])[0]
            if len(rest) < end:
                break
            yield rest[LENGTH.size:end]
            rest = rest[end:]


def monotonic():
    return getattr(time, 'monotonic', time.time)()


def main():
    import threading

    if sys.version_info[0] < 3:
        # Close the files that Ansible has open.
        os.closerange(3, 1024)
    try:
        # Records contain their times, so they can wait; Ansible cannot.
        os.nice(10)
    except OSError:
        pass
    sender = Sender(os.environ)
    reader = threading.Thread(target=sender.read, args=(0, int(sys.argv[1])))
    reader.daemon = True
    reader.start()
    sender.deliver()
    os._exit(0)


if __name__ == '__main__':
    main()
