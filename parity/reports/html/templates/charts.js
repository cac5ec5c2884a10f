"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const DASHES = {
    "port-0": "solid", "port-1": "solid", "port-2": "dash", "port-3": "dot", "port-4": "dashdot", "port-5": "longdash",
    "failing-0": "solid", "failing-1": "dash", "failing-2": "dot",
  };
  const FIRST = 0.4; // step 0 is drawn here, where there are logarithms, and reads as 0
  const LEAST = 0.01; // a smaller ratio, and one of 0, is drawn here: it has no place on log axes
  const DECADES = [FIRST, 1, 10, 100, 1000, 10000, 100000, 1000000];
  const NAMES = ["0", "1", "10", "100", "1,000", "10,000", "100,000", "1,000,000"];
  const PRINTED = { loss: [350, 140], ratio: [350, 140], rung: [172, 140], plane: [172, 150], seconds: [350, 200] }; // px of a page
  const hidden = new Set();
  const drawn = new Set();

  // Plotly takes some of HTML for markup; what a port is called is none.
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const portColour = (port) => colour(data.looks[port]);
  const fails = (port) => data.looks[port].startsWith("failing");
  const values = (place) => data.arrays[place];
  const finite = (value) => typeof value === "number";
  const log10 = (value) => Math.log10(value);

  function line(curve, look) {
    const port = curve.port;
    const isBed = data.looks[port] === "port-0"; // the others lie on it
    return {
      type: "scatter", zorder: isBed ? 0 : fails(port) ? 2 : 1, name: plain(data.ports[port]), port, hoverlabel: { namelength: -1 },
      line: { color: portColour(port), dash: DASHES[data.looks[port]], width: isBed ? 4 : fails(port) ? 2.4 : 1.6 },
      marker: { color: portColour(port), size: isBed ? 8 : 5 }, ...look,
    };
  }

  // Steps count from 0, which has no logarithm.
  function steps(spec, place) {
    return spec.log_x ? values(place).map((step) => Math.max(step, FIRST)) : values(place);
  }

  function stepAxis(spec) {
    const axis = { title: { text: "step", standoff: 6 }, unifiedhovertitle: { text: "step %{x:,d}" } };
    if (!spec.log_x) return axis;
    const last = Math.max(...spec.curves.flatMap((curve) => values(curve.x)));
    const range = [log10(0.8 * FIRST), log10(last * 1.15)];
    return { ...axis, type: "log", range, tickmode: "array", tickvals: DECADES, ticktext: NAMES, minor: { dtick: "D1" } };
  }

  function loss(spec) {
    const traces = spec.curves.map((curve) => line(curve, {
      mode: "lines", x: steps(spec, curve.x), y: values(curve.y).map((y) => finite(y) ? y : null),
      hovertemplate: "%{y}",
    }));
    return [traces, { xaxis: stepAxis(spec), yaxis: { type: spec.log_y ? "log" : "linear", exponentformat: "power" } }];
  }

  function ratios(spec) {
    const known = spec.curves.flatMap((curve) => values(curve.y)).filter(finite);
    const top = Math.max(4 * data.limit, ...known.map((ratio) => 3 * ratio));
    const low = Math.min(0.1, ...known.filter((ratio) => ratio >= LEAST));
    const bottom = known.some((ratio) => ratio < LEAST) ? LEAST : low;
    const traces = spec.curves.map((curve) => {
      const own = values(curve.y);
      const tensors = curve.text === undefined ? own.map(() => "") : values(curve.text).map((name) => `, ${plain(name)}`);
      return line(curve, {
        mode: spec.kind === "rung" || own.length < 40 ? "lines+markers" : "lines",
        x: steps(spec, curve.x), y: own.map((ratio) => finite(ratio) ? Math.max(ratio, bottom) : top / 1.5),
        customdata: own.map((ratio, at) => `${finite(ratio) ? ratio : "no finite number"}${tensors[at]}`),
        hovertemplate: "%{customdata}",
      });
    });
    const limit = {
      type: "line", xref: "paper", x0: 0, x1: 1, y0: data.limit, y1: data.limit, layer: "below",
      line: { color: colour("ink"), width: 1.2, dash: "dash" },
    };
    const name = {
      text: `limit ${data.limit}`, xref: "paper", x: 1, xanchor: "right", yanchor: "bottom", y: log10(data.limit),
      showarrow: false, font: { color: colour("ink"), size: 11 },
    };
    const range = [log10(bottom / 1.4), log10(top)];
    const dtick = Math.max(1, Math.ceil((range[1] - range[0]) / 6)); // decades between two marks
    const yaxis = { type: "log", range, tickmode: "linear", tick0: 0, dtick, tickformat: "~g" };
    return [traces, { xaxis: stepAxis(spec), yaxis, shapes: [limit], annotations: [name] }];
  }

  function points(own, number, unseen) {
    const shade = colour(`class-${number}`);
    const symbol = number ? "square" : "circle";
    const many = own && values(own.x).length > 50;
    return {
      type: "scatter", mode: "markers", name: `class ${number}${unseen ? ", unseen" : ""}`, x: values(own.x), y: values(own.y),
      marker: { color: shade, size: many ? 4 : 11, symbol: unseen ? `${symbol}-open` : symbol, line: { width: unseen ? 2 : 0, color: shade } },
    };
  }

  function plane(spec) {
    const traces = spec.points.map((own, number) => points(own, number, false))
      .concat(spec.unseen.map((own, number) => points(own, number, true)));
    const shapes = values(spec.regions).map((path) => ({
      type: "path", path, layer: "below", fillrule: "evenodd", fillcolor: colour("region"), line: { color: colour("ink"), width: 1 },
    }));
    const axis = (side) => ({ range: spec.sides[side], zeroline: false, title: { text: spec.names[side], standoff: 6 } });
    return [traces, { xaxis: axis(0), yaxis: axis(1), shapes }];
  }

  function seconds(spec) {
    const traces = spec.bars.map((bar) => ({
      type: "bar", name: plain(data.ports[bar.port]), port: bar.port, x: values(bar.x).map(plain), y: values(bar.y),
      marker: { color: portColour(bar.port) }, hovertemplate: "%{y} s", hoverlabel: { namelength: -1 },
    }));
    const yaxis = { type: "log", tickmode: "linear", tick0: 0, dtick: 1, title: { text: "seconds", standoff: 6 }, tickformat: "~g" };
    return [traces, { barmode: "group", bargap: 0.25, xaxis: { type: "category" }, yaxis }];
  }

  const KINDS = { loss, ratio: ratios, rung: ratios, plane, seconds };

  function figure(spec) {
    const [traces, layout] = KINDS[spec.kind](spec);
    for (const trace of traces) trace.visible = !hidden.has(trace.port);
    const grid = { gridcolor: colour("rule"), linecolor: colour("rule"), zerolinecolor: colour("rule"), automargin: true };
    const [width, height] = "printed" in document.documentElement.dataset ? PRINTED[spec.kind] : [];
    return [traces, {
      ...layout, width, height, autosize: !width, xaxis: { ...grid, ...layout.xaxis }, yaxis: { ...grid, ...layout.yaxis },
      margin: { l: 44, r: 10, t: 8, b: 36 }, showlegend: false,
      hovermode: spec.kind === "plane" ? "closest" : "x unified", dragmode: "zoom",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 11, color: colour("faint") },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("faint"), activecolor: colour("ink") },
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("rule"), font: { color: colour("ink") } },
    }];
  }

  const CONFIG = {
    responsive: true, displaylogo: false, doubleClick: "reset",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  };

  // Marks at the decades read well from afar; closer up, there are too few of them.
  function remark(div) {
    const marks = {};
    for (const [axis, { range, tickmode }] of Object.entries(div.home)) {
      const away = div.layout[axis].range.some((end, side) => Math.abs(end - range[side]) > 1e-6);
      const wanted = away ? "auto" : tickmode;
      if (tickmode && wanted !== div.layout[axis].tickmode) marks[`${axis}.tickmode`] = wanted;
    }
    if (Object.keys(marks).length) Plotly.relayout(div, marks);
  }

  function draw(div) {
    const spec = data.charts[Number(div.dataset.chart)];
    const [traces, layout] = figure(spec);
    Plotly.react(div, traces, layout, CONFIG);
    const { xaxis, yaxis } = div.layout;
    div.home = { xaxis: { ...xaxis, range: xaxis.range.slice() }, yaxis: { ...yaxis, range: yaxis.range.slice() } };
    if (!drawn.has(div)) div.on("plotly_relayout", () => remark(div));
    drawn.add(div);
  }

  const redraw = () => drawn.forEach(draw);
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
    }
  }, { rootMargin: "600px" });
  const charts = document.querySelectorAll(".chart");
  charts.forEach((div) => near.observe(div));

  const buttons = document.querySelectorAll(".key button");
  buttons.forEach((button) => button.addEventListener("click", () => {
    const port = Number(button.dataset.port);
    if (!hidden.delete(port)) hidden.add(port);
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(!hidden.has(Number(each.dataset.port)))));
    redraw();
  }));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.printed = "";
    charts.forEach(draw);
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.printed;
    redraw();
  });
})();
