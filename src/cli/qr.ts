/** Codes to be scanned, drawn of half blocks, on terminals that are wide enough. */
import { renderUnicodeCompact } from 'uqr'

/** What a code of the least error correction takes. */
const MOST_BYTES = 2_900

/** The lines of a code; none where nobody could scan it: no terminal, too long, too wide. */
export function qrLines(text: string, stream: NodeJS.WriteStream = process.stdout): readonly string[] {
  if (!stream.isTTY || text.length > MOST_BYTES) return []
  // What is drawn is the light squares, as terminals are dark.
  const lines = renderUnicodeCompact(text, { ecc: 'L', border: 2 }).split('\n')
  return Math.max(...lines.map((line) => line.length)) <= stream.columns ? lines : []
}

/** An invoice in large letters takes a smaller code, and means the same. */
export const invoiceQr = (invoice: string): readonly string[] => qrLines(invoice.toUpperCase())
