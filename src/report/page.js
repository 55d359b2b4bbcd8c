"use strict";
// What every page of ours does: a slash leads to the search, as an address leads to its place.
const byId = (id) => document.getElementById(id);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !document.activeElement?.matches("input, select")) {
    event.preventDefault();
    byId("search").focus();
  }
});
addEventListener("hashchange", () => follow());
