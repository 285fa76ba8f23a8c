"""A filter for nova-api that makes each authenticated request take longer.

It comes after Keystone's filters, so what it sees is authenticated. While the
file `seconds_file` exists, each request waits in its worker for as many seconds
as the file says, before Nova sees it, and has a line of JSON in `log_file`.
`real-cloud slow` writes and removes the file.
"""

import json
import os
import time


class Slow:

    def __init__(self, application, seconds_file, log_file):
        self.application = application
        self.seconds_file = seconds_file
        self.log_file = log_file

    def __call__(self, environ, start_response):
        seconds = self.seconds()
        if seconds is not None:
            self.log(environ)
            time.sleep(seconds)
        return self.application(environ, start_response)

    def seconds(self):
        try:
            with open(self.seconds_file) as file:
                return float(file.read())
        except FileNotFoundError:
            return None

    def log(self, environ):
        line = json.dumps({
            'at': time.time(),
            'worker': os.getpid(),
            'method': environ['REQUEST_METHOD'],
            'path': environ.get('SCRIPT_NAME', '') + environ['PATH_INFO'],
            'agent': environ.get('HTTP_USER_AGENT', ''),
        })
        # One write in append mode: the workers' lines do not mix.
        with open(self.log_file, 'ab', buffering=0) as file:
            file.write(line.encode() + b'\n')


def filter_factory(global_conf, seconds_file, log_file):
    return lambda application: Slow(application, seconds_file, log_file)
