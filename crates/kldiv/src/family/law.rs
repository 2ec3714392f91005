//! What a distribution of one real number knows of itself: support, entropy, the means of a few functions, and its
//! density's logarithm in terms of those.

/// A function whose mean a distribution may know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// x
    Mean,
    /// ((x − c)/s)²
    Square(f64, f64),
    /// |x − c|
    Distance(f64),
    /// e^(−(x − c)/s)
    Decay(f64, f64),
    /// (x/s)ᵏ, of x > 0; k is not 0.
    Power(f64, f64),
    /// ln x
    Ln,
    /// (ln x − c)²
    LnSquare(f64),
    /// ln(1 − x)
    LnRest,
}

impl Moment {
    /// The function at a point.
    pub(crate) fn at(&self, at: &Point) -> f64 {
        match *self {
            Moment::Mean => at.x,
            Moment::Square(c, s) => (at.less(c) / s) * (at.less(c) / s),
            Moment::Distance(c) => at.less(c).abs(),
            Moment::Decay(c, s) => (-at.less(c) / s).exp(),
            Moment::Power(k, unit) => (k * at.ln_less(unit.ln())).exp(),
            Moment::Ln => at.ln,
            Moment::LnSquare(c) => at.ln_less(c) * at.ln_less(c),
            Moment::LnRest => at.ln_rest,
        }
    }

    /// The logarithm of its size, also where it has left the range.
    pub(crate) fn ln_size(&self, at: &Point) -> f64 {
        match *self {
            Moment::Decay(c, s) => -at.less(c) / s,
            Moment::Power(k, unit) => k * at.ln_less(unit.ln()),
            Moment::Square(c, s) => 2.0 * (at.ln_distance(c) - s.ln()),
            Moment::Distance(c) => at.ln_distance(c),
            Moment::Mean => at.ln,
            _ => self.at(at).abs().ln(),
        }
    }
}

/// `E ((x − c)/s)²` from the mean and the standard deviation; no square leaves the range before it has to.
pub(crate) fn square(mean: f64, deviation: f64, c: f64, s: f64) -> f64 {
    let (shift, width) = ((mean - c) / s, deviation / s);
    width * width + shift * shift
}

/// No logarithm is followed further.
const WIDEST: f64 = 1e290;

/// How a density fades towards an end of its support.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fade {
    /// At a finite end e: like |x − e|^(a − 1).
    Edge(f64),
    /// Like |x|^(−a − 1).
    Power(f64),
    /// Slower than any exponential, faster than any power, with ln x as wide as this.
    Stretched(f64),
    /// Like e^(−r|x|).
    Exponential(f64),
    /// Faster than any of those.
    Light,
}

impl Fade {
    /// How many times as far ln x goes, or ln |x − e|, as an exponential variable's; 1 at least.
    pub(crate) fn reach(&self) -> f64 {
        match *self {
            Fade::Edge(a) | Fade::Power(a) => (1.0 / a).clamp(1.0, WIDEST),
            Fade::Stretched(width) => width.clamp(1.0, WIDEST),
            Fade::Exponential(_) | Fade::Light => 1.0,
        }
    }
}

/// How −ln q grows towards an end of its support.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Growth {
    /// Not at all, or like a logarithm or its square.
    Slow,
    /// Like |x|ᵏ, or at a finite end e like |x − e|⁻ᵏ.
    Power(f64),
    /// Like e^(r|x|).
    Exponential(f64),
}

/// A point of a support, with what x itself may have lost of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// base + rest, rounded.
    pub(crate) x: f64,
    /// Where the support begins or has its middle: what is narrow there is far from 0, and x has lost digits of it.
    pub(crate) base: f64,
    pub(crate) rest: f64,
    /// ln |x|, also where x has left the range.
    pub(crate) ln: f64,
    /// What it is of at the middle of a support from 0 on; the rest is ln_rise.
    pub(crate) ln_base: f64,
    pub(crate) ln_rise: f64,
    /// ln(1 − x), where 0 < x < 1.
    pub(crate) ln_rest: f64,
}

impl Point {
    /// x − c, with all digits where c is the base.
    pub(crate) fn less(&self, c: f64) -> f64 {
        if self.base == c { self.rest } else { (self.base - c) + self.rest }
    }

    /// ln x − c, with all digits where c is about the middle's.
    pub(crate) fn ln_less(&self, c: f64) -> f64 {
        (self.ln_base - c) + self.ln_rise
    }

    /// ln(x/c) of numbers above 0, likewise.
    pub(crate) fn ln_over(&self, c: f64) -> f64 {
        let t = self.less(c) / c;
        if t.abs() < 0.5 { t.ln_1p() } else { self.ln - c.ln() }
    }

    /// ln |x − c|, also where x has left the range.
    pub(crate) fn ln_distance(&self, c: f64) -> f64 {
        let d = self.less(c).abs();
        if d.is_finite() { d.ln() } else { self.ln }
    }
}

/// The logarithm of dx/dt in two parts, whose sum may lose what a third takes off again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slope {
    /// Of what fits the support: ln x where it is a half-line from 0, ln x(1 − x) between 0 and 1.
    pub(crate) natural: f64,
    pub(crate) rest: f64,
}

impl Slope {
    pub(crate) fn ln(&self) -> f64 {
        self.natural + self.rest
    }
}

/// A sum and the sum of its parts' sizes, which says how much of it cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    pub(crate) size: f64,
}

impl Sum {
    pub(crate) fn of(x: f64) -> Sum {
        Sum { value: x, size: x.abs() }
    }

    /// Adds a constant.
    pub(crate) fn and(self, x: f64) -> Sum {
        Sum { value: self.value + x, size: self.size + x.abs() }
    }

    /// Adds a factor times a mean, if that is known; a factor of 0 needs none.
    pub(crate) fn plus(self, factor: f64, mean: Option<f64>) -> Option<Sum> {
        if factor == 0.0 { Some(self) } else { Some(self.and(factor * mean?)) }
    }
}

/// A distribution of one real number, with its parameters.
pub(crate) trait Law {
    /// The ends of the support.
    fn support(&self) -> (f64, f64);
    /// How the density fades at either end.
    fn fades(&self) -> (Fade, Fade);
    /// How −ln of the density grows at either end.
    fn grows(&self) -> (Growth, Growth);
    /// Where most of it is, and how wide that is; of a positive variable the mode of ln x.
    fn place(&self) -> (f64, f64);
    fn entropy(&self) -> f64;
    /// The logarithm of the density, but for [`Law::ln_unit`].
    fn ln_shape(&self, at: &Point) -> f64;
    /// The logarithm of p dx/dt, but for [`Law::ln_unit`].
    fn ln_weight(&self, at: &Point, slope: Slope) -> f64 {
        self.ln_shape(at) + slope.ln()
    }
    /// What it has at every point.
    fn ln_unit(&self) -> f64;
    fn ln_density(&self, at: &Point) -> f64 {
        self.ln_shape(at) + self.ln_unit()
    }
    /// The mean of a function, where it is finite and has a formula.
    fn moment(&self, of: Moment) -> Option<f64>;
    /// −E_P[ln q] of this as q, where P's moments suffice.
    fn cost(&self, p: &dyn Law) -> Option<Sum>;
}
