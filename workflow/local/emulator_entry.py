"""Start ministack with another interpreter for its Lambda workers.

Executed as a file by the emulator's own interpreter: nothing from `workflow` can be imported here.
"""

import runpy
import sys

# ministack runs a Lambda worker on `sys.executable`. Its own would lend the function ministack's site-packages, and a
# deployment package without its dependencies would pass here and fail on AWS.
sys.executable = sys.argv.pop(1)

if __name__ == "__main__":
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
