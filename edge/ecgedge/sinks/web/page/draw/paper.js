// ECG paper on a canvas: true to scale, as CSS counts millimetres.

export const PX_PER_MM = 96 / 25.4; // what CSS calls a millimetre
export const PX_PER_S = 25 * PX_PER_MM;
export const PX_PER_MV = 10 * PX_PER_MM;

/**
 * Give a canvas as many dots as it covers on the screen, and return its context, which counts CSS pixels.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number, dots: number}}
 */
export function fit(canvas) {
  const dots = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * dots);
  canvas.height = Math.round(height * dots);
  const context = canvas.getContext("2d");
  context.setTransform(dots, 0, 0, dots, 0, 0);
  return { context, width, height, dots };
}

/** Read colours of the style sheet by their names, without the dashes. */
export function colours(element, ...names) {
  const style = getComputedStyle(element);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/**
 * Draw the grid: a line each millimetre, a strong one each five, one of them where 0 mV lies.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} rows of paper, one below the other
 * @param {number} lane left plain at the top of each row, in CSS pixels
 * @param {number} zero where 0 mV lies, in CSS pixels from the top of a row
 */
export function drawPaper(canvas, rows, lane, zero) {
  const { context, width, height, dots } = fit(canvas);
  const paint = colours(canvas, "paper", "fine", "strong");
  context.fillStyle = paint.paper;
  context.fillRect(0, 0, width, height);
  const tall = height / rows;
  for (let row = 0; row < rows; row++) {
    context.setTransform(dots, 0, 0, dots, 0, Math.round(row * tall * dots));
    for (const [every, colour] of [[1, paint.fine], [5, paint.strong]]) {
      context.fillStyle = colour;
      for (const x of lines(0, width, every, dots)) context.fillRect(x, lane, 1 / dots, tall - lane);
      for (const y of lines(zero, tall, every, dots)) if (y >= lane) context.fillRect(0, y, width, 1 / dots);
    }
  }
}

/** Where lines lie, each on a dot of the screen, so that all are equally sharp. */
function lines(through, length, everyMm, dots) {
  const step = everyMm * PX_PER_MM;
  const first = Math.ceil(-through / step);
  const count = Math.floor((length - through) / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Math.round((through + (first + i) * step) * dots) / dots);
}

const TILE_PX = 8;

/**
 * A pattern of tiles of 8 by 8 CSS pixels.
 *
 * @param {CanvasRenderingContext2D} context that is to be filled
 * @param {number} dots of the screen for a CSS pixel
 * @param {(pen: OffscreenCanvasRenderingContext2D) => void} draw draws a tile
 * @returns {CanvasPattern|null} null while the browser has lost its canvases; it tells when it has them again
 */
export function pattern(context, dots, draw) {
  const size = Math.max(1, Math.round(TILE_PX * dots)); // while a page is zoomed a dot may be anything
  const tile = new OffscreenCanvas(size, size);
  const pen = tile.getContext("2d");
  if (!pen) return null;
  pen.scale(size / TILE_PX, size / TILE_PX);
  pen.beginPath();
  draw(pen);
  pen.stroke();
  try {
    const made = context.createPattern(tile, "repeat");
    made?.setTransform(new DOMMatrix().scale(1 / dots));
    return made;
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    return null;
  }
}

/** Lines through a tile from one height to another, which go on in the tiles beside it. */
export function slant(pen, from, to) {
  for (const x of [-TILE_PX, 0, TILE_PX]) {
    pen.moveTo(x, from);
    pen.lineTo(x + TILE_PX, to);
  }
}

/** A pattern of slanted lines, for where there is no signal. */
export function hatch(context, colour, dots) {
  return pattern(context, dots, (pen) => {
    pen.strokeStyle = colour;
    slant(pen, TILE_PX, 0);
  });
}
