// Where the racks go. Two forms compete, and the one with the larger cells wins:
// a matrix with one line a hall, and blocks of racks that flow like words.

const BLOCK_COLUMNS = [1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32];
const GROUPS = 400; // no search beyond so many blocks side by side

// fit places counts[h] racks for each hall into width × height pixels; unit is
// the size of text. The result has the cells' width and height, and for each
// hall the corner of its first cell, its columns, and where its name goes. It
// ends lower than asked where cells would otherwise be too small to see.
export function fit(counts, width, height, unit) {
  if (!counts.some((count) => count > 0)) return null;
  const narrow = width < 34 * unit; // a phone scrolls past tall tiles
  const room = { counts, width, height, unit, least: 0.5 * unit, tallest: (narrow ? 10 : 16) * unit };
  const line = matrix(room);
  const flow = blocks(room);
  const best = [line, flow].filter(Boolean).sort((a, b) => b.width * b.height - a.width * a.height)[0]
    ?? blocks({ ...room, height: Infinity, tallest: 0.8 * unit });
  const labelled = best.width >= 4.6 * unit && best.height >= 2.3 * unit;
  return { ...best, labelled, gap: labelled ? Math.round(0.25 * unit) : 1 };
}

// proportion limits a cell to a shape that is easy to see: a tile that holds
// words is wide.
function proportion(w, h, unit, tallest) {
  const height = Math.min(h, tallest, w < 4.6 * unit ? w * 1.4 : Math.max(3.4 * unit, w * 0.7));
  return { w: Math.min(w, height * 2.2), h: height };
}

function matrix({ counts, width, height, unit, least, tallest }) {
  const label = 2.6 * unit;
  const { w, h } = proportion((width - label) / Math.max(...counts), height / counts.length, unit, tallest);
  if (w < least || h < least) return null;
  const halls = counts.map((count, i) => ({
    x: label, y: i * h, columns: Math.max(1, count),
    label: { x: 0, y: (i + 0.5) * h, baseline: "middle" },
  }));
  return { width: w, height: h, halls, total: Math.ceil(counts.length * h) };
}

function blocks({ counts, width, height, unit, least, tallest }) {
  const head = 1.4 * unit;
  const apart = 0.8 * unit;
  const longest = Math.max(...counts);
  let best = null;
  for (const columns of BLOCK_COLUMNS) {
    if (columns > longest && best) break;
    const lines = Math.ceil(longest / columns);
    for (let across = 1; across <= Math.min(counts.length, GROUPS); across++) {
      const down = Math.ceil(counts.length / across);
      const { w, h } = proportion(
        (width - (across - 1) * apart) / (across * columns),
        (height - down * head - (down - 1) * apart) / (down * lines),
        unit, tallest,
      );
      if (h < least || w < least || (best && w * h < best.width * best.height)) continue;
      best = place(counts, { across, columns, lines, down, w, h, head, apart });
    }
  }
  return best;
}

function place(counts, { across, columns, lines, down, w, h, head, apart }) {
  const halls = counts.map((count, i) => {
    const x = (i % across) * (columns * w + apart);
    const y = Math.floor(i / across) * (lines * h + head + apart);
    return { x, y: y + head, columns, label: { x, y: y + head * 0.7, baseline: "alphabetic" } };
  });
  return { width: w, height: h, halls, total: Math.ceil(down * (lines * h + head) + (down - 1) * apart) };
}
