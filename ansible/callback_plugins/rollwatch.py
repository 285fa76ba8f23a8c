# Copyright The Rollwatch authors
# SPDX-License-Identifier: Apache-2.0
"""Tells Rollwatch which task of the upgrade is running.

Two programs in one file. Ansible loads it as a callback plugin, which writes to a pipe which tasks and handlers
begin and end, and never waits. At the other end of the pipe runs this same file as a program of its own, the courier:
it keeps what it reads until Rollwatch has taken it. A Rollwatch that is dead, slow or hanging is the courier's affair;
the upgrade does not notice it.

Works from ansible-core 2.9 on Python 2.7 to ansible-core 2.21 on Python 3; needs nothing but Python.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = """
    name: rollwatch
    callback: rollwatch
    callback_type: notification
    type: notification
    short_description: tells Rollwatch which task of the upgrade is running
    version_added: "2.9"
    description:
      - Tells a running Rollwatch the start and the end of every task and handler, on which hosts it ran and whether it
        failed, so that downtime can be mapped to the task that brought it about.
      - No results, arguments or variables of a task are sent.
      - It never waits for Rollwatch. What can't be delivered is kept, and tried again until up to a minute after the
        end of the playbook.
    requirements:
      - switched on with C(ANSIBLE_CALLBACKS_ENABLED=rollwatch)
      - C(ROLLWATCH_URL) in the environment, as C(http://127.0.0.1:9774)
      - C(ROLLWATCH_TOKEN), the write token, where Rollwatch does not listen on loopback only
      - C(ROLLWATCH_CACERT), a file with the certificates to trust, where HTTPS needs one of its own
      - C(ROLLWATCH_LINGER), how many seconds to go on trying after the end of the playbook, 60 by default
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

# Before each message in the pipe stands its length.
LENGTH = struct.Struct('>I')
# Of the pipe's messages, in bytes, where the courier does not keep up; what goes beyond is lost.
BACKLOG = 4 * 1024 * 1024
# How much the pipe holds itself, in bytes, while the courier looks away.
PIPE = 1024 * 1024
F_SETPIPE_SZ = 1031
# Between two looks of the courier at the pipe, in seconds.
LOOK = 0.1
HOSTS = 2000


def moment(at):
    """A time in seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    millis = int(round(at * 1000))
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(millis // 1000)) + '.%03dZ' % (millis % 1000)


class Pipe:
    """The way to the courier. Writes what the pipe takes at once and keeps the rest; never waits, never throws."""

    def __init__(self):
        import fcntl

        options = {'start_new_session': True} if sys.version_info[0] > 2 else {'preexec_fn': os.setsid}
        self.courier = subprocess.Popen(
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
        for end in (self.courier.stdin, self.courier.stdout):
            flags = fcntl.fcntl(end.fileno(), fcntl.F_GETFL)
            fcntl.fcntl(end.fileno(), fcntl.F_SETFL, flags | os.O_NONBLOCK)
        try:
            fcntl.fcntl(self.courier.stdin.fileno(), F_SETPIPE_SZ, PIPE)
        except (IOError, OSError):
            # not Linux, or not allowed: it holds less
            pass

    def send(self, what):
        """Records, ends of tasks and the end of all, in the order in which they came about."""
        if self.broken or os.getpid() != self.owner:
            return
        # The courier is the same Python. JSON takes several times as long.
        body = marshal.dumps(what, 2)
        if len(self.backlog) + len(body) <= BACKLOG:
            self.backlog += LENGTH.pack(len(body)) + body
        try:
            while self.backlog:
                self.backlog = self.backlog[os.write(self.courier.stdin.fileno(), self.backlog):]
        except (IOError, OSError) as error:
            import errno

            self.broken = error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)

    def complaint(self):
        """What the courier said last of its troubles, if anything."""
        try:
            said = os.read(self.courier.stdout.fileno(), 65536).decode('utf-8', 'replace').splitlines()
        except (IOError, OSError):
            return ''
        return said[-1] if said else ''


class Running:
    """What is remembered of a task until it ends: little, as every worker that Ansible forks copies what is touched."""

    __slots__ = ('id', 'dry', 'failed', 'under_way', 'hosts', 'latest', 'ended', 'record')


class Tasks:
    """Which tasks are running, from what Ansible tells: the start of a task, the results of hosts, never its end."""

    def __init__(self):
        # What is to be told, in its order; who tells it empties the list.
        self.told = []
        self.run = uuid.uuid4().hex
        self.count = 0
        self.playbook = None
        self.play = None
        # With the strategies free and host_pinned each host goes its own way, and tasks overlap.
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
            # of the task, or of the whole run with --check
            known.dry = getattr(task, 'check_mode', None) is True
            known.failed = False
            known.under_way = 0
            known.hosts = None
            known.latest = None
            known.ended = False
            record = self.record(task, kind)
            if known.dry:
                record['status'] = 'dry-run'
            known.id = record['id']
            # A task that has ended may go on only where tasks overlap.
            known.record = record if self.overlapping else None
            self.told.append(record)
        known.under_way += 1
        if known.ended:
            known.ended = False
            hosts = sorted(known.hosts or ())[:HOSTS]
            self.told.append(dict(known.record, status=self.status(known, 'running'), hosts=hosts))

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

    def result(self, key, host, failed):
        known = self.open.get(key)
        if known is None:
            return
        known.latest = time.time()
        known.under_way -= 1
        if host is not None:
            if known.hosts is None:
                known.hosts = set()
            known.hosts.add(host)
            if len(known.hosts) == 1 and not known.ended:
                # From now on the task is more than announced: it may begin a phase.
                self.told.append({'id': known.id, 'hosts': [host]})
        if failed:
            known.failed = True
        if self.overlapping and known.under_way <= 0:
            self.end(known)

    @staticmethod
    def status(known, otherwise):
        return 'dry-run' if known.dry else 'failed' if known.failed else otherwise

    def end(self, known):
        known.ended = True
        # The rest the courier knows.
        self.told.append({
            'id': known.id,
            'hosts': sorted(known.hosts or ())[:HOSTS],
            'status': self.status(known, 'ok'),
            'end': known.latest or time.time(),
        })

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
    # never of a class of Ansible's own
    return u'%s' % value if sys.version_info[0] < 3 and isinstance(value, type(u'')) else str(value)


try:
    from ansible.plugins.callback import CallbackBase
    from ansible.release import __version__ as ansible_version
except ImportError:
    # the courier runs without Ansible
    CallbackBase = object
    ansible_version = ''


def attribute(thing, *names):
    for name in names:
        value = getattr(thing, name, MISSING)
        if value is not MISSING:
            return value
    return None


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'rollwatch'
    CALLBACK_NEEDS_ENABLED = True
    if ansible_version.startswith(('2.9.', '2.10.')):
        # they know the list of callbacks by its old name alone
        CALLBACK_NEEDS_WHITELIST = 'rollwatch' not in os.environ.get('ANSIBLE_CALLBACKS_ENABLED', '').split(',')

    def __init__(self, *args, **kwargs):
        super(CallbackModule, self).__init__(*args, **kwargs)
        self.pipe = None
        self.tasks = Tasks()

    def _send(self):
        if self.pipe is not None and self.tasks.told:
            told, self.tasks.told = self.tasks.told, []
            self.pipe.send(told)

    def _warn(self, message):
        self._display.warning(u'rollwatch: ' + message)

    def v2_playbook_on_start(self, playbook):
        url = os.environ.get(URL, '')
        if not url.startswith(('http://', 'https://')):
            self.disabled = True
            is_set = u'is %r' % url if url else u'is not set'
            self._warn(u'%s %s; it must be as http://127.0.0.1:9774. No tasks are told of.' % (URL, is_set))
            return
        self.tasks.playbook = text(os.path.basename(getattr(playbook, '_file_name', None) or '')) or None
        try:
            self.pipe = Pipe()
        except Exception as error:
            self.disabled = True
            self._warn(u'no process can be started: %s. No tasks are told of.' % error)

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
        # A handler that is notified again runs again, under the same name for itself.
        self.tasks.begin(('handler', task._uuid), task, 'handler')
        self._send()

    def _result(self, result, failed=False, skipped=False):
        task = attribute(result, 'task', '_task')
        # A host that was skipped is none of the task's hosts: nothing was done there.
        host = None if skipped else text(attribute(result, 'host', '_host').get_name())
        for key in (task._uuid, ('handler', task._uuid)):
            self.tasks.result(key, host, failed)
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
        self.tasks.told.append({'ended': True})
        self._send()
        complaint = self.pipe.complaint()
        if complaint:
            self._warn(complaint)


class Courier:
    """Brings the records to Rollwatch, the newest state of each, until all are there or its patience has ended."""

    AT_ONCE = 500
    KEPT = 20000
    TIMEOUT = 5
    FIRST_PAUSE = 0.25
    LONGEST_PAUSE = 2
    # What runs is told again so often, in seconds: the courier may be killed together with Ansible, as in a container,
    # and a daemon that hears nothing of a task for longer takes it as ended.
    HEARTBEAT = 10

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
        self.said = None
        self.beat_at = monotonic() + self.HEARTBEAT

    def read(self, pipe, parent):
        """Takes what comes until the run is over, however it ends."""
        ended = False
        for message in messages(pipe, parent):
            with self.changed:
                for told in marshal.loads(message):
                    if 'ended' in told:
                        ended = True
                    else:
                        self.hear(told)
                self.changed.notify()
        with self.changed:
            if not ended:
                # Ansible was killed: what ran has ended, nobody knows how.
                for record in list(self.running.values()):
                    status = 'dry-run' if record['status'] == 'dry-run' else 'unknown'
                    self.keep(dict(record, status=status, end=moment(time.time())))
            self.give_up_at = monotonic() + self.linger
            self.changed.notify()
        # also where an answer comes byte by byte
        time.sleep(self.linger + 2 * self.TIMEOUT)
        os._exit(1)

    def hear(self, told):
        """A whole record or what the end of a task adds to it, with moments in seconds since 1970."""
        for which in ('start', 'end'):
            if told.get(which) is not None:
                told[which] = moment(told[which])
        if 'start' in told:
            self.keep(told)
        elif told['id'] in self.running:
            self.keep(dict(self.running[told['id']], **told))

    def keep(self, record):
        if record['end'] is None:
            self.running[record['id']] = record
        else:
            self.running.pop(record['id'], None)
        self.waiting[record['id']] = record
        if len(self.waiting) > self.KEPT:
            del self.waiting[min(self.waiting, key=lambda one: self.waiting[one]['start'])]

    def beat(self):
        """Has what runs told again when it is time to; whether it is."""
        if monotonic() < self.beat_at:
            return False
        self.beat_at = monotonic() + self.HEARTBEAT
        for record in self.running.values():
            self.waiting.setdefault(record['id'], record)
        return bool(self.waiting)

    def deliver(self):
        pause = self.FIRST_PAUSE
        while True:
            with self.changed:
                while not self.beat() and not self.waiting and self.give_up_at is None:
                    self.changed.wait(self.HEARTBEAT)
                batch = sorted(self.waiting.values(), key=lambda one: one['start'])[:self.AT_ONCE]
                over = self.give_up_at is not None and monotonic() >= self.give_up_at
            if over or not batch:
                return
            taken, trouble = self.post(batch)
            self.say(trouble)
            if taken:
                pause = self.FIRST_PAUSE
                with self.changed:
                    for record in batch:
                        if self.waiting.get(record['id']) is record:
                            del self.waiting[record['id']]
            else:
                time.sleep(pause)
                pause = min(pause * 2, self.LONGEST_PAUSE)

    def post(self, batch):
        """Whether the records need not be sent again, and the error. What Rollwatch rejects it would reject again."""
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
            connection = HTTPSConnection(url.hostname, url.port, timeout=self.TIMEOUT, context=context)
        else:
            connection = HTTPConnection(url.hostname, url.port, timeout=self.TIMEOUT)
        headers = {
            'Content-Type': 'application/json',
            'Rollwatch-Heartbeat': str(self.HEARTBEAT),
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

    def say(self, trouble):
        """For the plugin, which reads it when the playbook has ended."""
        if trouble == self.said:
            return
        self.said = trouble
        message = '' if trouble is None else 'tasks cannot be told to %s: %s' % (self.url, trouble)
        try:
            os.write(1, (message + '\n').encode('utf-8'))
        except (IOError, OSError):
            pass


def messages(pipe, parent):
    """Until the pipe is closed or the process at its other end is gone, whose orphans may hold it open.

    It polls the pipe and never waits for it: a process that Ansible's writes wake up takes the processor from Ansible.
    """
    import select

    rest = b''
    while True:
        while not select.select([pipe], [], [], 0)[0]:
            if os.getppid() != parent:
                return
            time.sleep(LOOK)
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
        # nothing that Ansible has open is for us to keep open
        os.closerange(3, 1024)
    try:
        # Records bear their moments, so they can wait; Ansible can't.
        os.nice(10)
    except OSError:
        pass
    courier = Courier(os.environ)
    reader = threading.Thread(target=courier.read, args=(0, int(sys.argv[1])))
    reader.daemon = True
    reader.start()
    courier.deliver()
    os._exit(0)


if __name__ == '__main__':
    main()
