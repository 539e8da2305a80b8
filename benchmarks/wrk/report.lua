-- One line of JSON at the end of a round, read by bench.py.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "microseconds": %d, "bytes": %d, "status": %d, "read": %d, "write": %d, "timeout": %d, ' ..
      '"connect": %d, "p50": %.1f, "p99": %.1f}\n',
    summary.requests, summary.duration, summary.bytes, errors.status, errors.read, errors.write, errors.timeout,
    errors.connect, latency:percentile(50), latency:percentile(99)))
end

-- What follows "--" on the command line are names and their values.
function told(args)
  local values = {}
  for place = 1, #args - 1, 2 do values[args[place]] = args[place + 1] end
  return values
end
