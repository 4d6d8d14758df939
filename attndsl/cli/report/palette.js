// Colours that are evenly spaced to the eye: ramps are straight lines in OKLCH (lightness, chroma, hue), so that equal
// steps of a value look like equal steps. https://bottosson.github.io/posts/oklab/ gives the conversion.
function oklch(lightness, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((v) => Math.round(255 * gamma(Math.min(1, Math.max(0, v)))));
}

function gamma(v) {
  return v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
}

function mix(from, to, t) {
  return oklch(from[0] + (to[0] - from[0]) * t, from[1] + (to[1] - from[1]) * t, from[2] + (to[2] - from[2]) * t);
}

// [lightness, chroma, hue] at zero and at one; in the dark theme more is brighter, in the light one more is darker.
const RAMPS = {
  light: { low: [0.97, 0.02, 200], high: [0.28, 0.11, 278], zero: [0.95, 0.004, 250], plus: [0.42, 0.115, 250], minus: [0.5, 0.15, 42] },
  dark: { low: [0.24, 0.04, 285], high: [0.95, 0.1, 125], zero: [0.27, 0.006, 250], plus: [0.86, 0.105, 215], minus: [0.76, 0.15, 50] },
};

function ramps() {
  return RAMPS[isDark() ? "dark" : "light"];
}

// 0 to 1. Lightness and hue run straight; chroma swells in the middle, where screens have most of it to give.
function sequential(t) {
  const { low, high } = ramps();
  const at = Math.min(1, Math.max(0, t));
  const swell = 0.03 * Math.sin(Math.PI * at);
  return mix([low[0], low[1] + swell, low[2]], [high[0], high[1] + swell, high[2]], at);
}

// -1 to 1; the hue of an arm is constant, so zero is a neutral grey and no third colour appears between.
function diverging(t) {
  const ramp = ramps();
  const arm = t < 0 ? ramp.minus : ramp.plus;
  return mix([ramp.zero[0], ramp.zero[1], arm[2]], arm, Math.min(1, Math.abs(t)));
}

function rgb(colour) {
  return "rgb(" + colour.join(" ") + ")";
}

function luminance(colour) {
  const [r, g, b] = colour.map((v) => {
    const s = v / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// Black or white, whichever contrasts more: the worse case is 4.6 to 1.
function inkOn(colour) {
  const light = luminance(colour);
  return 1.05 / (light + 0.05) > (light + 0.05) / 0.05 ? "#fff" : "#000";
}
