// Installs the programs that some specs need: they make disks, and inspect or limit processes. Without them a spec skips tests.

import { needDebian } from '../lab/debian.mjs'

needDebian(['e2fsprogs', 'mount', 'python3', 'strace', 'util-linux', 'xfsprogs'], 'The list of specs')
