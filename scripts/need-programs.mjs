// Installs the programs without which a spec leaves tests out: those that make disks, and those that look at or limit processes.

import { needDebian } from '../lab/debian.mjs'

needDebian(['e2fsprogs', 'mount', 'python3', 'strace', 'util-linux', 'xfsprogs'], 'The list of specs')
