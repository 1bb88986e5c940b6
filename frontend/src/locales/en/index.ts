export { default as codes } from './codes.json';
export { default as texts } from './texts.json';
