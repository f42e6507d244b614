const DARK = { back: '#1b1f27', front: '#d7dae0' };
const LIGHT = { back: '#fbfbfa', front: '#24292f' };
const SIXTEEN = [
  ...['#4b5263', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#d7dae0'],
  ...['#6b7280', '#f08a92', '#b0d68f', '#f0d399', '#82c4ff', '#d99af0', '#7bd0da', '#ffffff'],
];
const LEVELS = [0, 95, 135, 175, 215, 255];

/** The colours of a theme, `dark` or `light`. A colour is a number of the 256, a list of red, green and blue, or absent. */
export function coloursOf(theme) {
  const shown = theme === 'light' ? LIGHT : DARK;
  const drawn = (colour, shade) => {
    const dark = Array.isArray(colour) ? colour : rgbOf(colour);
    return hex(theme === 'light' ? turned(dark, shade) : dark);
  };
  return {
    ...shown,
    // A colour that was made for a dark ground is still too pale on a light one.
    inkOf: (colour) => (colour === undefined ? shown.front : drawn(colour, 0.85)),
    groundOf: (colour) => (colour === undefined ? undefined : drawn(colour, 1.15)),
  };
}

function rgbOf(number) {
  if (number < 16) return [1, 3, 5].map((at) => Number.parseInt(SIXTEEN[number].slice(at, at + 2), 16));
  if (number > 231) return Array(3).fill(8 + 10 * (number - 232));
  const cube = number - 16;
  return [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((level) => LEVELS[level]);
}

/** The same hue with its lightness turned round: what is bright on dark becomes dark on light. */
function turned([red, green, blue], shade) {
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)];
  const shift = 255 - most - least;
  return [red, green, blue].map((part) => Math.max(0, Math.min(255, Math.round((part + shift) * shade))));
}

function hex(rgb) {
  return `#${rgb.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
