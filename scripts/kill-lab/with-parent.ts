/** Preloaded into every child process: when the pipe on its standard input ends, its parent has ended, and so does it. */
process.stdin.resume().on('end', () => process.exit(1))
process.stdin.unref()
