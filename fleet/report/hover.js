// The figures of the interval under the pointer, in one line below the chart.
// The same stand in each interval's title and in the tables.
document.querySelectorAll("figure").forEach(function (figure) {
  var line = figure.querySelector(".readout");
  if (!line) return;
  figure.addEventListener("pointermove", function (event) {
    var title = event.target.classList.contains("hit") && event.target.querySelector("title");
    line.textContent = title ? title.textContent : "";
  });
  figure.addEventListener("pointerleave", function () { line.textContent = ""; });
});
